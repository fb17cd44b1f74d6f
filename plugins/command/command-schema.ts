import type { FromSchema } from 'json-schema-to-ts';

const commandTask = {
  type: 'object',
  properties: {
    run: {
      type: 'array',
      items: { type: 'string' },
      minItems: 1,
      description: 'The program and its arguments, one by one; there is no shell.',
    },
    output: { type: 'string', format: 'safe-name', description: 'Name of the file that gets the output.' },
    timeout: { type: 'string', format: 'duration', default: '1h', description: 'How long the program may take.' },
    env: {
      type: 'object',
      additionalProperties: { type: 'string' },
      description: 'Environment variables for the program. Not for secrets: this file is in the archive.',
    },
    skip_exit_codes: {
      type: 'array',
      items: { type: 'integer', minimum: 1, maximum: 255 },
      default: [],
      description: 'Exit codes that mean: nothing to save this time.',
    },
    allow_empty: { type: 'boolean', default: false, description: 'true: no output at all is no failure.' },
  },
  required: ['run', 'output'],
  additionalProperties: false,
} as const;

/** A map or a list, without `anyOf`, so that the defaults of a map apply in both. */
export const commandSchema = {
  ...commandTask,
  type: ['object', 'array'],
  description: "A program's output, as a file; one, or a list of several.",
  items: commandTask,
  minItems: 1,
} as const;

export type CommandTask = FromSchema<typeof commandTask>;
export type CommandOptions = CommandTask | readonly CommandTask[];
