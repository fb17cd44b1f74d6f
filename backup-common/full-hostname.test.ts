import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { fullHostname, fullNameIn } from './full-hostname.ts';

const cases: ReadonlyArray<readonly [title: string, hosts: string, expected: string]> = [
  ['Debian’s line', '127.0.0.1 localhost\n127.0.1.1\tweb.example.org\tweb\n', 'web.example.org'],
  ['the short name first', '10.0.0.5 web web.example.org', 'web.example.org'],
  ['a comment at the end', '10.0.0.5 web.example.org web # the shop', 'web.example.org'],
  ['a line that is a comment', '# 10.0.0.5 web.example.org web', 'web'],
  ['a full name without the short one', '10.0.0.5 web.example.org', 'web'],
  ['another host that begins alike', '10.0.0.6 web-2.example.org web-2', 'web'],
  ['an empty file', '', 'web'],
];
for (const [title, hosts, expected] of cases) {
  test(`the full name with ${title} is ${expected}`, () => assert.equal(fullNameIn(hosts, 'web'), expected));
}

test('a name with a dot is full already', () => {
  assert.equal(fullNameIn('10.0.0.5 web.example.org.local web.example.org', 'web.example.org'), 'web.example.org');
});

test('this machine’s own full name begins with its short one', async () => {
  assert.ok((await fullHostname()).startsWith(hostname()));
});
