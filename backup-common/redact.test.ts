import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redact } from './redact.ts';

const cases: ReadonlyArray<readonly [before: string, after: string]> = [
  ['rest:https://admin:s3cret@host:8000/web', 'rest:https://admin:***@host:8000/web'],
  ['a https://a:b@c/ and s3:http://k:v@w/x', 'a https://a:***@c/ and s3:http://k:***@w/x'],
  ['redis://:only-a-password@host', 'redis://:***@host'],
  ['HTTPS://U:P@HOST', 'HTTPS://U:***@HOST'],
  ['https://u:with:colon@host', 'https://u:***@host'],
  ['https://u:with@sign@host/path', 'https://u:***@host/path'],
  ['{"url":"https://u:p@h"}', '{"url":"https://u:***@h"}'],
];
for (const [before, after] of cases) {
  test(`"${before}" becomes "${after}"`, () => assert.equal(redact(before), after));
}

for (const text of [
  'https://host:8000/path',
  'https://user@host/',
  'sftp:backup@host:/srv/restic',
  'https://host:8000/ and then admin@example.org',
  'mail to admin@example.org: failed at 03:00',
]) {
  test(`"${text}" has no password and stays as it is`, () => assert.equal(redact(text), text));
}
