import type { FromSchema } from 'json-schema-to-ts';
import { secretSchema } from '#common/config/secret.ts';
import { containerSchema } from '../database/container-schema.ts';

const options = {
  type: 'object',
  properties: {
    database: { type: 'string', minLength: 1, description: 'The database to dump.' },
    databases: {
      anyOf: [{ const: 'all' }, { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 }],
      expected: 'a list of names, or the word all',
      description: 'Several databases, or all: every one that is no template and takes connections.',
    },
    host: {
      type: 'string',
      minLength: 1,
      description:
        "A host's name or address, or the folder of a socket. Left out: localhost where there is a user or a password, else the socket.",
    },
    hostname: { type: 'string', minLength: 1, description: 'Another name of host.' },
    port: { type: 'integer', minimum: 1, maximum: 65_535, description: 'Its port, 5432 when left out.' },
    user: { type: 'string', minLength: 1, description: 'The role that dumps; by a socket, the one of run_as.' },
    username: { type: 'string', minLength: 1, description: 'Another name of user.' },
    run_as: {
      type: 'string',
      format: 'safe-name',
      description:
        'The account of the system that the client programs run as, for peer authentication: postgres when left out and a socket is used without a password.',
    },
    container: containerSchema,
    password: secretSchema,
    pgpass: {
      type: 'string',
      format: 'absolute-path',
      description: 'A password file of PostgreSQL; /root/.pgpass when left out, if it is there.',
    },
    format: {
      enum: ['custom', 'directory', 'plain'],
      default: 'custom',
      description: 'custom and directory are for pg_restore, plain is SQL for psql.',
    },
    globals: {
      type: 'boolean',
      default: false,
      description: 'true: roles and tablespaces too, which belong to no database. Needs a superuser.',
    },
    dump_options: {
      anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
      expected: 'a text of options, or a list',
      description: 'More options for pg_dump, split at blanks or as a list, such as --exclude-table-data=sessions.',
    },
    timeout: { type: 'string', format: 'duration', default: '1h', description: 'How long one dump may take.' },
  },
  additionalProperties: false,
} as const;

export const postgresqlSchema = {
  ...options,
  description: 'Dumps of PostgreSQL databases, made while the service runs.',
  oneOf: [{ required: ['database'] }, { required: ['databases'] }],
  expected: 'a map with either database or databases',
  allOf: [
    { not: { required: ['host', 'hostname'] }, expected: 'a map without both host and hostname, which are the same' },
    { not: { required: ['user', 'username'] }, expected: 'a map without both user and username, which are the same' },
  ],
} as const;

export type PostgresqlOptions = FromSchema<typeof options>;
