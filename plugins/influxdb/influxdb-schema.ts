import type { FromSchema } from 'json-schema-to-ts';
import { secretSchema } from '#common/config/secret.ts';
import { containerSchema } from '../database/container-schema.ts';

export const influxdbSchema = {
  type: 'object',
  description: "A backup by InfluxDB's own programs, of version 1 or 2, while the server runs.",
  properties: {
    version: {
      enum: [1, 2],
      description: 'The version of the server; left out: 2 where the program influx is that of version 2, else 1.',
    },
    host: {
      type: 'string',
      minLength: 1,
      description:
        'Version 2: the URL of the server, http://localhost:8086 when left out. Version 1: the address for backups, 127.0.0.1:8088 when left out.',
    },
    container: containerSchema,
    org: { type: 'string', minLength: 1, description: 'Version 2: one organization; all when left out.' },
    bucket: { type: 'string', minLength: 1, description: 'Version 2: one bucket; all when left out.' },
    token: {
      anyOf: [{ type: 'string', minLength: 1 }, secretSchema],
      expected: 'a map with one of file, env or credential',
      description:
        'Version 2: where the API token is: one of file, env or credential. The token itself is taken with a warning, since this file lies in the archive.',
    },
    database: { type: 'string', minLength: 1, description: 'Version 1: one database; all when left out.' },
    timeout: { type: 'string', format: 'duration', default: '1h', description: 'How long the backup may take.' },
  },
  additionalProperties: false,
} as const;

export type InfluxdbOptions = FromSchema<typeof influxdbSchema>;
