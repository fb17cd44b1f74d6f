import type { FromSchema } from 'json-schema-to-ts';
import { secretSchema } from '#common/config/secret.ts';
import { containerSchema } from '../database/container-schema.ts';
import { portType } from '../database/database-schema.ts';

export const redisSchema = {
  type: 'object',
  description: 'The data of a Redis or Valkey server, as an RDB file, while it runs.',
  properties: {
    host: { type: 'string', minLength: 1, default: '127.0.0.1', description: 'The server, by name or address.' },
    port: { ...portType, default: 6379, description: 'Its port.' },
    socket: { type: 'string', format: 'absolute-path', description: 'Its Unix socket, instead of host and port.' },
    container: containerSchema,
    user: { type: 'string', minLength: 1, description: 'The user of its access control list.' },
    password: { ...secretSchema, description: 'Where the password is: one of file, env or credential.' },
    tls: { type: 'boolean', default: false, description: 'true: the connection is encrypted.' },
    tls_ca_file: {
      type: 'string',
      format: 'absolute-path',
      description: 'The certificate authority to trust, with tls; those of the system when left out.',
    },
    method: {
      enum: ['rdb', 'bgsave'],
      description:
        'rdb: the server sends its data, as to a replica. bgsave: it saves to its own file, which is copied. Left out: bgsave in a container, else rdb.',
    },
    timeout: { type: 'string', format: 'duration', default: '1h', description: 'How long saving may take.' },
  },
  additionalProperties: false,
} as const;

export type RedisOptions = FromSchema<typeof redisSchema>;
