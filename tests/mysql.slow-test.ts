import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { mariadbCollector } from '#plugins/mariadb/mariadb-collector.ts';
import { collectorTask } from './rig/collector-task.ts';
import { mysqlIn } from './rig/mysql.ts';

test('all databases of MySQL itself come back by hand on a new server, with their users', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'mysql-'));
  const mysql = await mysqlIn(root);
  const [server, fresh] = [await mysql.start('first'), await mysql.start('second')];
  t.after(async () => {
    for (const { stop } of [server, fresh]) await stop();
    await rm(root, { recursive: true });
  });
  await server.sql(content);
  const task = await collectorTask(t, mariadbCollector, { mysqldump: mysql.mysqldump });
  await task.collect({ host: server.socket, user: 'root', databases: 'all' });
  assert.deepEqual(
    [...task.archive.entries.keys()],
    ['it`s ä%2Fb', 'mysql', 'shop'].map((name) => `databases/${name}.sql`),
  );
  assert.match(
    String(task.archive.entries.get('databases/shop.sql')),
    /^-- CHANGE REPLICATION SOURCE TO SOURCE_LOG_FILE=/m,
  );
  for (const dump of task.archive.entries.values()) await fresh.restore(dump);
  await fresh.sql('flush privileges');
  assert.equal(await fresh.sql(facts), await server.sql(facts));
});

const content = `
  create database shop; create database \`it\`\`s ä/b\`;
  create user app@localhost identified by 'a secret word'; grant select on shop.* to app@localhost;
  create table shop.orders (id int primary key auto_increment, what text, bytes varbinary(20));
  insert into shop.orders (what, bytes) values ('Größe', x'00ff270a'), (null, '');
  create view shop.totals as select count(*) from shop.orders;
  create function shop.twice(n int) returns int deterministic return 2 * n;
  create event shop.nightly on schedule every 1 day do select 1`;

const facts = `
  checksum table shop.orders; select * from shop.totals; select shop.twice(21);
  select event_name from information_schema.events; show databases;
  select user, host, authentication_string from mysql.user order by user; show grants for app@localhost`;
