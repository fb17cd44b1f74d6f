import {
  type Document,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import type { Problems } from './problems.ts';

export type KeyPath = readonly (string | number)[];

/** A parsed YAML file that can tell where each of its values stands. */
export interface YamlSource {
  readonly file: string;
  readonly value: unknown;
  /** Adds a problem at the value of that path, or at the nearest thing above it that is there. */
  problemAt(path: KeyPath, message: string): void;
  /** The same at the key itself, for one that should not be there. */
  problemAtKey(path: KeyPath, message: string): void;
}

/** Parses YAML 1.2 (JSON included); undefined after adding a problem for each error in its syntax. */
export function parseYaml(file: string, text: string, problems: Problems): YamlSource | undefined {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  for (const error of document.errors) problems.add({ ...place(error.pos[0]), message: syntaxMessage(error) });
  if (document.errors.length > 0) return undefined;
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error; // an alias without its anchor, or far too many of them
    problems.add({ ...place(offsetOfBadAlias(document)), message: `is no valid YAML: ${error.message}` });
    return undefined;
  }
  const nodeAt = (path: KeyPath): Node | undefined => {
    for (let length = path.length; length >= 0; length -= 1) {
      const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
      if (isNode(node)) return node;
    }
    return undefined;
  };
  const add = (node: Node | undefined, path: KeyPath, message: string): void => {
    problems.add({ ...place(node?.range?.[0] ?? 0), path: formatPath(path), message });
  };
  return {
    file,
    value,
    problemAt: (path, message) => add(nodeAt(path), path, message),
    problemAtKey: (path, message) => {
      const parent = nodeAt(path.slice(0, -1));
      const pair = isMap(parent)
        ? parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1))
        : undefined;
      add(isNode(pair?.key) ? pair.key : parent, path, message);
    },
  };
}

function syntaxMessage({ code, message }: YAMLError): string {
  return code === 'MULTIPLE_DOCS' ? 'begins a second document; a file is one' : `is no valid YAML: ${message}`;
}

/** Where the first alias without an anchor stands; the file's beginning when there is none. */
function offsetOfBadAlias(document: Document): number {
  let offset = 0;
  visit(document, {
    Alias: (_key, alias) => {
      if (alias.resolve(document) !== undefined) return undefined;
      offset = alias.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return offset;
}

/** `hosts[0].ssh_port` */
function formatPath(path: KeyPath): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '');
}
