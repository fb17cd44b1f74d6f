import { checkSchema, type Schema } from '../../config/json-schema.ts';
import { formatProblem, Problems } from '../../config/problems.ts';
import { parseYaml } from '../../config/yaml-source.ts';
import { type MessageOf, type MessageType, messageSchemas, messagesFor, type Verb } from './protocol.ts';

/** What a plugin said, by type, and the first thing it said that is no message. */
export interface Messages {
  readonly file: readonly MessageOf<'file'>[];
  readonly tree: readonly MessageOf<'tree'>[];
  readonly warning: readonly MessageOf<'warning'>[];
  readonly error: readonly MessageOf<'error'>[];
  readonly skip: readonly MessageOf<'skip'>[];
  readonly state: readonly MessageOf<'state'>[];
  readonly problem: string | undefined;
}

/** Reads the lines that a plugin answered a verb with. */
export function readMessages(output: string, verb: Exclude<Verb, 'describe'>): Messages {
  const types = Object.keys(messageSchemas) as readonly MessageType[];
  const byType = new Map(types.map((type) => [type, [] as unknown[]]));
  const problems: string[] = [];
  for (const line of output.split('\n')) {
    if (line.trim() === '') continue;
    const read = readLine(line, messagesFor[verb]);
    if (read.type === undefined) problems.push(read.problem);
    else byType.get(read.type)?.push(read.value);
  }
  const checked = (type: MessageType): readonly unknown[] => {
    const found = checkJson(byType.get(type) ?? [], { type: 'array', items: messageSchemas[type] });
    for (const problem of found.problems) {
      const withoutNumber = problem.replace(/^\[\d+\](\.|: )/, '');
      problems.push(`printed a message of the type "${type}" that is none: ${withoutNumber}`);
    }
    return (found.value ?? []) as readonly unknown[];
  };
  const messages = Object.fromEntries(types.map((type) => [type, checked(type)]));
  return { ...messages, problem: problems[0] } as unknown as Messages;
}

type Line =
  | { readonly type: MessageType; readonly value: unknown }
  | { readonly type: undefined; readonly problem: string };

function readLine(line: string, allowed: readonly MessageType[]): Line {
  const value = parseJson(line);
  const type: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'type') : undefined;
  if (typeof type !== 'string') return { type: undefined, problem: `printed what is no message: ${shown(line)}` };
  const known = allowed.find((each) => each === type);
  if (known !== undefined) return { type: known, value };
  return { type: undefined, problem: `printed a message of the type "${type}"; allowed are ${allowed.join(', ')}` };
}

/** A value checked by a schema, its defaults filled in; or each thing that is wrong, by its place. */
export function checkJson(
  value: unknown,
  schema: Schema,
): { readonly value?: unknown; readonly problems: readonly string[] } {
  const problems = new Problems();
  const source = parseYaml('', JSON.stringify(value), problems);
  const checked = source === undefined ? undefined : checkSchema(source, schema);
  return { value: checked, problems: problems.list.map(withoutPlace) };
}

/** The text was made by us: its lines and columns say nothing to anybody. */
function withoutPlace({ path = '', message }: Problems['list'][number]): string {
  return formatProblem({ file: path === '' ? 'it' : path, message });
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The beginning of something that was printed, on one line. */
function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
