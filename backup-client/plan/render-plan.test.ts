import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PartReport } from '#common/run/report.ts';
import { renderPlan } from './render-plan.ts';

const part: PartReport = {
  name: 'docker/shop',
  outcome: 'ok',
  startedAt: '2026-06-01T03:00:00.000Z',
  durationMs: 12_340,
  stages: [],
  warnings: [],
  failure: undefined,
  skip: undefined,
  facts: { downtime: '3.2 s' },
};

test('a plan is read from top to bottom: what happens to each service, then what no service saves', () => {
  const text = renderPlan(
    {
      services: [
        {
          service: 'docker/shop',
          file: '/etc/backup/docker/shop/service.yaml',
          steps: [
            { what: 'collect', task: 'postgresql' },
            { what: 'stop', task: 'docker', detail: 'the compose services web and db' },
            { what: 'collect', task: 'files' },
            { what: 'start again', task: 'docker', detail: 'the compose services web and db' },
          ],
        },
        { service: 'lxc/mail', file: '/etc/backup/lxc/mail/service.yaml', steps: [], skip: 'lxc: it is 12:00' },
        {
          service: 'other/web',
          file: '/etc/backup/other/web/service.yaml',
          steps: [],
          problem: { messages: ['no such folder', 'a disk is missing'], hint: 'Mount it.' },
        },
      ],
      uncovered: [
        { kind: 'volume', name: 'shop_data', since: '2026-06-01T03:00:00.000Z', isNew: false },
        { kind: 'volume', name: 'x', since: '2026-06-02T03:00:00.000Z', isNew: true },
      ],
      problems: ['zfs: the module is not loaded'],
    },
    [part],
  );
  assert.equal(
    text,
    `docker/shop  /etc/backup/docker/shop/service.yaml
  last run: ok, took 12.3 s, stopped for 3.2 s
  1. collect postgresql
  2. stop the compose services web and db
  3. collect files
  4. start again the compose services web and db

lxc/mail  /etc/backup/lxc/mail/service.yaml
  last run: none
  left out now: lxc: it is 12:00

other/web  /etc/backup/other/web/service.yaml
  last run: none
  would fail: no such folder
    because a disk is missing
    → Mount it.

not covered by any service (add it to one, or to ignore: in client_config.yml):
  volume/shop_data  since 2026-06-01
  volume/x          since 2026-06-02  new
  could not look: zfs: the module is not loaded`,
  );
});
