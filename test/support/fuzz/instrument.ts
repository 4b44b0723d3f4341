import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ts from "typescript";

/** A module whose every branch is counted as it runs. */
export interface Instrumented<Module> {
  readonly module: Module;
  /** One counter a branch, modulo 256. The code that runs the module clears them. */
  readonly counters: Uint8Array;
  /** The integer literals of its source: values that its branches may be waiting for. */
  readonly literals: readonly number[];
}

/** What to instrument. */
export interface InstrumentOptions {
  /** The file whose exports are wanted. */
  readonly entry: string;
  /** Which files to count branches in; the others of the bundle stay as they are. */
  readonly filter: RegExp;
  /** Changes the source before it is instrumented: how a test plants a bug. */
  readonly edit?: (source: string, path: string) => string;
}

const MAX_BRANCHES = 1 << 14;
/** Under this name the bundle finds its counters. */
const GLOBAL = "$icmpxBranches";
const { factory } = ts;

/** Bundles a module with a counter in every branch, and imports the bundle. */
export async function instrument<Module>(
  options: InstrumentOptions,
): Promise<Instrumented<Module>> {
  const counters = new Uint8Array(MAX_BRANCHES);
  const literals = new Set<number>();
  const branches = { count: 0 };
  const folder = await mkdtemp(join(tmpdir(), "icmpx-fuzz-"));
  try {
    const built = await Bun.build({
      entrypoints: [options.entry],
      outdir: folder,
      plugins: [
        {
          name: "count branches",
          setup(build) {
            build.onLoad({ filter: options.filter }, async ({ path }) => {
              const source = await Bun.file(path).text();
              const text = options.edit?.(source, path) ?? source;
              return { contents: countBranches(text, branches, literals), loader: "js" };
            });
          },
        },
      ],
    });
    const [bundle] = built.outputs;
    if (bundle === undefined) throw new Error(`${options.entry} gave no bundle`);
    (globalThis as Record<string, unknown>)[GLOBAL] = counters;
    const module = (await import(bundle.path)) as Module;
    return {
      module,
      counters: counters.subarray(0, branches.count),
      literals: [...literals].sort((a, b) => a - b),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Compiles TypeScript with a counter at the beginning of each branch. */
function countBranches(source: string, branches: { count: number }, literals: Set<number>): string {
  const name = factory.createUniqueName("branches");
  const count = (): ts.Expression => {
    if (branches.count === MAX_BRANCHES) throw new RangeError("More branches than counters");
    const place = factory.createElementAccessExpression(name, branches.count++);
    return factory.createPostfixIncrement(place);
  };
  const counted = (expression: ts.Expression): ts.Expression =>
    factory.createParenthesizedExpression(factory.createComma(count(), expression));
  const statements = (then: readonly ts.Statement[]): ts.Statement[] => [
    factory.createExpressionStatement(count()),
    ...then,
  ];
  const block = (body: ts.Statement | undefined): ts.Block =>
    factory.createBlock(
      statements(body === undefined ? [] : ts.isBlock(body) ? body.statements : [body]),
      true,
    );

  const transformer: ts.TransformerFactory<ts.SourceFile> = (context) => {
    const visit = (original: ts.Node): ts.Node => {
      const node = ts.visitEachChild(original, visit, context);
      if (ts.isNumericLiteral(node)) literals.add(Number(node.text));
      if (ts.isIfStatement(node)) {
        return factory.updateIfStatement(
          node,
          node.expression,
          block(node.thenStatement),
          block(node.elseStatement),
        );
      }
      if (ts.isForStatement(node)) {
        const { initializer, condition, incrementor } = node;
        return factory.updateForStatement(
          node,
          initializer,
          condition,
          incrementor,
          block(node.statement),
        );
      }
      if (ts.isForOfStatement(node)) {
        const { awaitModifier, initializer, expression } = node;
        return factory.updateForOfStatement(
          node,
          awaitModifier,
          initializer,
          expression,
          block(node.statement),
        );
      }
      if (ts.isWhileStatement(node)) {
        return factory.updateWhileStatement(node, node.expression, block(node.statement));
      }
      if (ts.isCaseClause(node)) {
        return factory.updateCaseClause(node, node.expression, statements(node.statements));
      }
      if (ts.isDefaultClause(node))
        return factory.updateDefaultClause(node, statements(node.statements));
      if (ts.isCatchClause(node)) {
        return factory.updateCatchClause(node, node.variableDeclaration, block(node.block));
      }
      if (ts.isConditionalExpression(node)) {
        const { condition, questionToken, whenTrue, colonToken, whenFalse } = node;
        return factory.updateConditionalExpression(
          node,
          condition,
          questionToken,
          counted(whenTrue),
          colonToken,
          counted(whenFalse),
        );
      }
      if (ts.isBinaryExpression(node) && isShortCircuit(node.operatorToken.kind)) {
        return factory.updateBinaryExpression(
          node,
          node.left,
          node.operatorToken,
          counted(node.right),
        );
      }
      return node;
    };
    return (file) => {
      const visited = ts.visitEachChild(file, visit, context);
      const global = factory.createPropertyAccessExpression(
        factory.createIdentifier("globalThis"),
        GLOBAL,
      );
      const declaration = factory.createVariableDeclaration(name, undefined, undefined, global);
      const list = factory.createVariableDeclarationList([declaration], ts.NodeFlags.Const);
      return factory.updateSourceFile(visited, [
        factory.createVariableStatement(undefined, list),
        ...visited.statements,
      ]);
    };
  };
  return ts.transpileModule(source, {
    compilerOptions: {
      target: ts.ScriptTarget.ESNext,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
    },
    transformers: { before: [transformer] },
  }).outputText;
}

function isShortCircuit(kind: ts.SyntaxKind): boolean {
  return (
    kind === ts.SyntaxKind.AmpersandAmpersandToken ||
    kind === ts.SyntaxKind.BarBarToken ||
    kind === ts.SyntaxKind.QuestionQuestionToken
  );
}
