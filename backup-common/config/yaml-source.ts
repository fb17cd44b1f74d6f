import { isMap, isNode, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
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
  for (const error of document.errors)
    problems.add({ ...place(error.pos[0]), message: `is no valid YAML: ${error.message}` });
  if (document.errors.length > 0) return undefined;
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
    value: document.toJS() as unknown,
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

/** `hosts[0].ssh_port` */
function formatPath(path: KeyPath): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '');
}
