/** What is left of a `T` after JSON: bytes as hexadecimal text, no functions, no symbols. */
export type Json<T> = T extends Uint8Array
  ? string
  : T extends (...parameters: never[]) => unknown
    ? never
    : T extends readonly (infer Item)[]
      ? readonly Json<Item>[]
      : T extends object
        ? { readonly [Key in keyof T as Key extends string ? Key : never]: Json<T[Key]> }
        : T;
