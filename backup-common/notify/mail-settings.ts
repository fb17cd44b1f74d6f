import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readCommonConfig } from '../config/common-config.ts';
import { checkSchema } from '../config/json-schema.ts';
import { type MailSection, mailSchema, mailTransportOf } from '../config/mail-schema.ts';
import { Problems } from '../config/problems.ts';
import { parseYaml } from '../config/yaml-source.ts';
import type { MailTransport } from './mail.ts';

export interface MailSettings {
  readonly transport: MailTransport;
  readonly adminEmail: string;
}

/**
 * How to reach the administrator although something may be wrong with the configuration: what can be read of it counts,
 * and for the rest MSMTP_CMD and root. Never rejects for a mistake in a file.
 */
export async function mailSettings(configDir: string, fileName: string): Promise<MailSettings> {
  const common = await readCommonConfig(configDir, new Problems());
  const { mail, admin_email: own, global } = await readLeniently(join(configDir, fileName));
  const adminEmail = own ?? global?.admin_email ?? common('DEFAULT_ADMIN_EMAIL') ?? 'root';
  return { transport: mailTransportOf(mail, common('MSMTP_CMD') ?? 'msmtp'), adminEmail };
}

interface Known {
  readonly mail?: MailSection;
  readonly admin_email?: string;
  readonly global?: { readonly admin_email?: string };
}

const address = { type: 'string', minLength: 1 } as const;
const knownSchema = {
  type: 'object',
  properties: {
    mail: mailSchema,
    admin_email: address,
    global: { type: 'object', properties: { admin_email: address } },
  },
} as const;

async function readLeniently(file: string): Promise<Known> {
  const problems = new Problems();
  const source = parseYaml(file, await readFile(file, 'utf8').catch(() => ''), problems);
  return ((source && checkSchema(source, knownSchema)) ?? {}) as Known;
}
