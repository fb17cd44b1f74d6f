import type { FromSchema } from 'json-schema-to-ts';

/** The version of all below; a plugin names the one it was written for. docs/plugins.md is its manual. */
export const protocolVersion = 1;

/** What a plugin is asked, as its first argument. `plan` and `resume` come with the capability `quiesce`. */
export type Verb = 'describe' | 'check' | 'plan' | 'quiesce' | 'resume' | 'collect' | 'cleanup';

/** Exit codes; every other one is a failure. */
export const pluginExitCodes = { done: 0, notNow: 75 } as const;

const duration = { type: 'string', format: 'duration' } as const;

/** The answer to `describe`, a single JSON object. */
export const descriptionSchema = {
  type: 'object',
  description: 'What a plugin says of itself.',
  properties: {
    protocol: { const: protocolVersion, expected: '1, the protocol that is spoken here' },
    name: { type: 'string', description: 'A plain word.' },
    task_keys: {
      type: 'array',
      items: { type: 'string' },
      description: 'The keys of service.yaml that it answers to.',
    },
    phase: {
      enum: ['live', 'quiesced'],
      default: 'live',
      description: 'Whether it collects while the service runs, or while it is stopped if some task stops it.',
    },
    schema: { type: 'object', description: "JSON Schema of the task's options." },
    capabilities: {
      type: 'array',
      items: { enum: ['check', 'collect', 'quiesce', 'cleanup'] },
      description: 'The verbs it knows; quiesce stands for plan, quiesce and resume.',
    },
    timeouts: {
      type: 'object',
      description: 'How long a verb may take.',
      properties: {
        check: { ...duration, default: '1m', description: 'check, and plan.' },
        collect: { ...duration, default: '1h', description: 'collect.' },
        quiesce: { ...duration, default: '5m', description: 'quiesce.' },
      },
      default: {},
      additionalProperties: false,
    },
    unit_lines: {
      type: 'array',
      items: { type: 'string' },
      default: [],
      description: 'What local-backup.service must allow beyond what it comes with.',
    },
  },
  required: ['protocol', 'name', 'task_keys', 'schema', 'capabilities'],
  additionalProperties: false,
} as const;

export type Description = FromSchema<typeof descriptionSchema>;

const text = { type: 'string', minLength: 1 } as const;
const message = <Properties extends object, Required extends readonly string[]>(
  properties: Properties,
  required: Required,
) => ({ type: 'object', properties: { type: text, ...properties }, required, additionalProperties: false }) as const;

/** What a plugin may say, each a JSON object on a line of its own. */
export const messageSchemas = {
  file: message(
    { path: text, as: text, allow_empty: { type: 'boolean', default: false } } as const,
    ['path', 'as'] as const,
  ),
  tree: message(
    {
      path: { type: 'string', format: 'absolute-path' },
      as: text,
      exclude: { type: 'array', items: text, default: [] },
    } as const,
    ['path', 'as'] as const,
  ),
  warning: message({ message: text } as const, ['message'] as const),
  error: message({ message: text, hint: text } as const, ['message'] as const),
  skip: message({ reason: text } as const, ['reason'] as const),
  state: message({ state: {}, describes: text } as const, ['state', 'describes'] as const),
} as const;

export type MessageType = keyof typeof messageSchemas;
export type MessageOf<Type extends MessageType> = FromSchema<(typeof messageSchemas)[Type]>;

/** Which messages make sense in answer to which verb. */
export const messagesFor: Readonly<Record<Exclude<Verb, 'describe'>, readonly MessageType[]>> = {
  check: ['warning', 'error', 'skip'],
  plan: ['warning', 'error', 'state'],
  quiesce: ['warning', 'error'],
  resume: ['warning', 'error'],
  collect: ['warning', 'error', 'skip', 'file', 'tree'],
  cleanup: ['warning', 'error'],
};
