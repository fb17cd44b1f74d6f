import assert from 'node:assert/strict';
import { test } from 'node:test';
import { influxBackup, influxdBackup, parseInfluxdVersion, parseInfluxVersion } from './influx-commands.ts';

test('the backup of version 2 is not compressed where that can be chosen, and its token is in the environment only', () => {
  const given = {
    influx: 'docker exec db influx',
    options: {},
    cliVersion: '2.7.5',
    folder: '/w',
    timeoutMs: 1,
    token: 't',
  };
  assert.deepEqual(influxBackup(given), {
    file: 'docker',
    args: ['exec', 'db', 'influx', 'backup', '--host', 'http://localhost:8086', '--compression', 'none', '/w'],
    timeoutMs: 1,
    env: { INFLUX_TOKEN: 't' },
  });
  const options = { host: 'https://db', org: 'shop', bucket: 'sales' };
  const old = influxBackup({ ...given, influx: 'influx', options, cliVersion: '2.0.9', token: undefined });
  assert.deepEqual(old, {
    file: 'influx',
    args: ['backup', '--host', 'https://db', '--org', 'shop', '--bucket', 'sales', '/w'],
    timeoutMs: 1,
  });
});

test('the backup of version 1 is of all databases, or of one', () => {
  const portable = ['backup', '-portable', '-host', '127.0.0.1:8088'];
  assert.deepEqual(influxdBackup({}, '/w', 1).args, [...portable, '/w']);
  assert.deepEqual(influxdBackup({ database: 'm' }, '/w', 1).args, [...portable, '-database', 'm', '/w']);
});

test('versions are read from what the programs say', () => {
  assert.equal(parseInfluxVersion('Influx CLI 2.7.5 (git: a79a2a1b82) build_date: 2024-04-16'), '2.7.5');
  for (const other of ['', 'unknown arguments: version', 'InfluxDB shell version: 1.6.7'])
    assert.equal(parseInfluxVersion(other), undefined);
  assert.equal(parseInfluxdVersion('InfluxDB v1.6.7~rc0 (git: unknown unknown)'), '1.6.7~rc0');
  assert.equal(parseInfluxdVersion('something else'), undefined);
});
