import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { tempFolder } from '../testing/temp-folder.ts';
import { mailSettings } from './mail-settings.ts';

const byMsmtp = { type: 'sendmail', command: ['msmtp'] };

describe('the way to the administrator', () => {
  const files: ReadonlyArray<readonly [title: string, config: string, adminEmail: string, transport: object]> = [
    [
      'is found beside mistakes',
      'hosts: 7\nnever_heard: 1\nadmin_email: a@b.c\nmail: { none: true }',
      'a@b.c',
      { type: 'none' },
    ],
    ['is that of the server’s global section', 'global: { admin_email: g@b.c }', 'g@b.c', byMsmtp],
    ['is root by msmtp where a mail section cannot be read', 'mail: { smtp: { port: 25 } }', 'root', byMsmtp],
    ['is root by msmtp where nothing can be read', 'mail: [', 'root', byMsmtp],
  ];
  for (const [title, config, adminEmail, transport] of files) {
    test(title, async (context) => {
      const folder = await tempFolder(context);
      await writeFile(join(folder, 'config.yml'), config);
      assert.deepEqual(await mailSettings(folder, 'config.yml'), { adminEmail, transport });
    });
  }

  test('is that of common_config where there is no other file', async (context) => {
    const folder = await tempFolder(context);
    const text = 'DEFAULT_ADMIN_EMAIL=common@b.c\nMSMTP_CMD=/usr/sbin/sendmail\n';
    await writeFile(join(folder, 'common_config'), text, { mode: 0o600 });
    const transport = { type: 'sendmail', command: ['/usr/sbin/sendmail'] };
    assert.deepEqual(await mailSettings(folder, 'config.yml'), { adminEmail: 'common@b.c', transport });
  });
});
