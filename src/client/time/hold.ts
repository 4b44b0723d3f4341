const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Keeps the process alive until the returned function is called; a pending promise does not. */
export function holdProcess(): () => void {
  const timer = setInterval(() => {}, LONGEST_TIMER_MS);
  return () => clearInterval(timer);
}
