import type { Collector } from '#common/plugin/collector.ts';
import { btrfsCollector } from './btrfs/btrfs-collector.ts';
import { commandCollector } from './command/command-collector.ts';
import { dockerCollector } from './docker/docker-collector.ts';
import { filesCollector } from './files/files-collector.ts';
import { influxdbCollector } from './influxdb/influxdb-collector.ts';
import { lxcCollector } from './lxc/lxc-collector.ts';
import { mariadbCollector } from './mariadb/mariadb-collector.ts';
import { postgresqlCollector } from './postgresql/postgresql-collector.ts';
import { redisCollector } from './redis/redis-collector.ts';
import { sqliteCollector } from './sqlite/sqlite-collector.ts';
import { systemdCollector } from './systemd/systemd-collector.ts';
import { univentionCollector } from './univention/univention-collector.ts';
import { zfsCollector } from './zfs/zfs-collector.ts';

/** Every collector that comes with the client; the only list. */
export const collectors: readonly Collector[] = [
  btrfsCollector,
  commandCollector,
  dockerCollector,
  filesCollector,
  influxdbCollector,
  lxcCollector,
  mariadbCollector,
  postgresqlCollector,
  redisCollector,
  sqliteCollector,
  systemdCollector,
  univentionCollector,
  zfsCollector,
];
