import type { FromSchema } from 'json-schema-to-ts';

export const sqliteSchema = {
  type: 'object',
  description: 'SQLite databases, copied while they are in use.',
  properties: {
    paths: {
      type: 'array',
      minItems: 1,
      description: 'The databases: absolute paths of their files, or maps with the keys path and as.',
      items: {
        anyOf: [
          { type: 'string', format: 'absolute-path' },
          {
            type: 'object',
            properties: {
              path: { type: 'string', format: 'absolute-path', description: 'The file of a database.' },
              as: {
                type: 'string',
                format: 'safe-name',
                description: 'Its name below sqlite/ in the archive; its last name when left out.',
              },
            },
            required: ['path'],
            additionalProperties: false,
          },
        ],
        expected: 'an absolute path, or a map {path: …, as: …}',
      },
    },
    integrity_check: {
      enum: ['full', 'quick'],
      default: 'full',
      description: 'How each copy is checked; quick leaves out whether indexes and tables agree, for very large ones.',
    },
    busy_timeout: {
      type: 'string',
      format: 'duration',
      default: '1m',
      description: 'How long to wait for a database that another program has locked.',
    },
    timeout: {
      type: 'string',
      format: 'duration',
      default: '1h',
      description: 'How long copying one database may take, and checking the copy.',
    },
  },
  required: ['paths'],
  additionalProperties: false,
} as const;

export type SqliteOptions = FromSchema<typeof sqliteSchema>;
