import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { servicesIn, snapshotTags } from './snapshot-tags.ts';

const shop = { type: 'docker', name: 'shop', outcome: 'ok' } as const;
const mail = { type: 'other', name: 'mail', outcome: 'failed' } as const;

it('the tags are those of the host, the archive and each service', () => {
  assert.deepEqual(snapshotTags('web', '20260102_030405', [shop]), ['web', '20260102_030405', 'service:docker/shop']);
});

it('a failed service makes the snapshot partial, a warning does not', () => {
  assert.deepEqual(snapshotTags('web', '20260102_030405', [{ ...shop, outcome: 'warning' }, mail]), [
    'web',
    '20260102_030405',
    'partial',
    'service:docker/shop',
    'failed:other/mail',
  ]);
});

it('an archive that names no service has no tag of one', () => {
  assert.deepEqual(snapshotTags('web', '20260102_030405', []), ['web', '20260102_030405']);
});

it('a service that was skipped is in no tag, so that its newest stored state is kept', () => {
  const services = [shop, { ...mail, outcome: 'skipped' } as const];
  assert.deepEqual(snapshotTags('web', '20260102_030405', services), ['web', '20260102_030405', 'service:docker/shop']);
});

it('what other programs tagged tells of no service', () => {
  const nothing = { isPartial: false, good: [], failed: [] };
  assert.deepEqual(servicesIn([]), nothing);
  assert.deepEqual(servicesIn(['web', '20200102_030405', 'my-service:x']), nothing);
});

it('tags that exist in repositories are read as ever', () => {
  const tags = ['web', '20260102_030405', 'partial', 'service:a%2Cb/100%25', 'failed:docker/shop'];
  assert.deepEqual(servicesIn(tags), { isPartial: true, good: ['a,b/100%'], failed: ['docker/shop'] });
});

it('any names come back as they were, and none holds restic’s separator', () => {
  const name = fc.string({ unit: fc.constantFrom('a', '%', ',', '2', '5', 'C', 'ä', ' ', ':') });
  const service = fc.record({ type: name, name, outcome: fc.constantFrom('ok', 'warning', 'failed') });
  fc.assert(
    fc.property(fc.array(service), (services) => {
      const tags = snapshotTags('web', '20260102_030405', services);
      assert.ok(tags.every((tag) => !tag.includes(',')));
      const named = (isFailed: boolean) =>
        services
          .filter(({ outcome }) => (outcome === 'failed') === isFailed)
          .map(({ type, name }) => `${type}/${name}`);
      assert.deepEqual(servicesIn(tags), {
        isPartial: named(true).length > 0,
        good: named(false),
        failed: named(true),
      });
    }),
  );
});
