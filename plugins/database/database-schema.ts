import { secretSchema } from '#common/config/secret.ts';
import { containerSchema } from './container-schema.ts';

/** Options that tasks for databases of any kind have in common; some have another name beside, from older configurations. */
export const databaseProperties = {
  database: { type: 'string', minLength: 1, description: 'The database to dump.' },
  databases: {
    anyOf: [{ const: 'all' }, { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 }],
    expected: 'a list of names, or the word all',
    description: 'Several databases, or the word all.',
  },
  hostname: { type: 'string', minLength: 1, description: 'Another name of host.' },
  username: { type: 'string', minLength: 1, description: 'Another name of user.' },
  container: containerSchema,
  password: secretSchema,
  timeout: { type: 'string', format: 'duration', default: '1h', description: 'How long one dump may take.' },
} as const;

export const portType = { type: 'integer', minimum: 1, maximum: 65_535 } as const;

export const dumpOptionsType = {
  anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
  expected: 'a text of options, or a list',
} as const;

/** What goes together: one way to name the databases, and one name of an option that has two. */
export const databaseRules = {
  oneOf: [{ required: ['database'] }, { required: ['databases'] }],
  expected: 'a map with either database or databases',
  allOf: [
    { not: { required: ['host', 'hostname'] }, expected: 'a map without both host and hostname, which are the same' },
    { not: { required: ['user', 'username'] }, expected: 'a map without both user and username, which are the same' },
  ],
} as const;
