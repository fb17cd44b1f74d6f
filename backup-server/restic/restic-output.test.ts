import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseBackupSummary, parseForgetPlan, parseRawSize, parseSnapshots, parseVersion } from './restic-output.ts';

/** What restic of Debian 12 and of Debian 13 said; left out are keys that we do not read, and two ids are the same in both. */
const recorded = {
  '0.14': {
    backup: `{"message_type":"status","percent_done":0,"total_files":1,"total_bytes":4}
{"message_type":"summary","files_new":1,"files_changed":0,"files_unmodified":0,"dirs_new":0,"dirs_changed":0,"dirs_unmodified":0,"data_blobs":1,"tree_blobs":1,"data_added":354,"total_files_processed":1,"total_bytes_processed":4,"total_duration":0.229444724,"snapshot_id":"2d8e69cf"}
`,
    snapshots: `[{"time":"2026-01-01T03:00:00Z","tree":"dff5348cafce4e9d4ff46e894c26b48aa59fd724ee359430606b06597da7a500","paths":["/srv/tree"],"hostname":"web","username":"root","id":"f95364c3f9c3b8759d10670bdf5611c083010683c6481ee2dad5fd1db1a5a36d","short_id":"f95364c3"},{"time":"2026-01-02T03:00:00Z","tree":"14863a6696a03c4c2ff3570b611f9d66ee3019e68d3cd07985b694d71da829fa","paths":["/srv/tree"],"hostname":"web","username":"root","tags":["web","service:docker/shop"],"id":"2d8e69cfb744f4adb827751cf0c5dc10610a380e687c8d0649d2447e50fdf250","short_id":"2d8e69cf"}]`,
    forget: `[{"tags":null,"host":"web","paths":null,"keep":[{"time":"2026-01-02T03:00:00Z","hostname":"web","id":"2d8e69cfb744f4adb827751cf0c5dc10610a380e687c8d0649d2447e50fdf250","short_id":"2d8e69cf"}],"remove":[{"time":"2026-01-01T03:00:00Z","hostname":"web","id":"f95364c3f9c3b8759d10670bdf5611c083010683c6481ee2dad5fd1db1a5a36d","short_id":"f95364c3"}],"reasons":[{"snapshot":{"time":"2026-01-02T03:00:00Z","hostname":"web"},"matches":["last snapshot"],"counters":{}}]}]`,
    stats: '{"total_size":588,"total_file_count":0,"total_blob_count":4,"snapshots_count":2}',
    version: 'restic 0.14.0 compiled with go1.19.8 on linux/amd64\n',
    summaryId: '2d8e69cf',
    size: 588,
    numbers: [0, 14],
  },
  '0.18': {
    backup: `{"message_type":"status","percent_done":1,"total_files":1,"files_done":1,"total_bytes":4,"bytes_done":4}
{"message_type":"summary","files_new":1,"files_changed":0,"files_unmodified":0,"dirs_new":0,"dirs_changed":0,"dirs_unmodified":0,"data_blobs":1,"tree_blobs":1,"data_added":354,"data_added_packed":375,"total_files_processed":1,"total_bytes_processed":4,"total_duration":0.66122734,"backup_start":"2026-11-28T07:37:39.713559632Z","backup_end":"2026-11-28T07:37:40.374786972Z","snapshot_id":"56423e16f0d2b4a13a7d92c8fdc67c48341d62b2e11a3c6f48715e9d4441f97b"}
`,
    snapshots: `[{"time":"2026-01-01T03:00:00Z","tree":"dff5348cafce4e9d4ff46e894c26b48aa59fd724ee359430606b06597da7a500","paths":["/srv/tree"],"hostname":"web","username":"root","program_version":"restic 0.18.0","summary":{"files_new":1,"total_files_processed":1},"id":"f95364c3f9c3b8759d10670bdf5611c083010683c6481ee2dad5fd1db1a5a36d","short_id":"f95364c3"},{"time":"2026-01-02T03:00:00Z","tree":"dff5348cafce4e9d4ff46e894c26b48aa59fd724ee359430606b06597da7a500","paths":["/srv/tree"],"hostname":"web","username":"root","tags":["web","service:docker/shop"],"program_version":"restic 0.18.0","id":"2d8e69cfb744f4adb827751cf0c5dc10610a380e687c8d0649d2447e50fdf250","short_id":"2d8e69cf"}]`,
    forget: `[{"tags":null,"host":"web","paths":null,"keep":[{"time":"2026-01-02T03:00:00Z","hostname":"web","id":"2d8e69cfb744f4adb827751cf0c5dc10610a380e687c8d0649d2447e50fdf250","short_id":"2d8e69cf"}],"remove":[{"time":"2026-01-01T03:00:00Z","hostname":"web","program_version":"restic 0.18.0","id":"f95364c3f9c3b8759d10670bdf5611c083010683c6481ee2dad5fd1db1a5a36d","short_id":"f95364c3"}],"reasons":[{"matches":["last snapshot"]}]}]`,
    stats:
      '{"total_size":293,"total_uncompressed_size":418,"compression_ratio":1.4266211604095562,"total_blob_count":2,"snapshots_count":2}',
    version: 'restic 0.18.0 compiled with go1.24.4 on linux/amd64\n',
    summaryId: '56423e16f0d2b4a13a7d92c8fdc67c48341d62b2e11a3c6f48715e9d4441f97b',
    size: 293,
    numbers: [0, 18],
  },
} as const;

const older = 'f95364c3f9c3b8759d10670bdf5611c083010683c6481ee2dad5fd1db1a5a36d';
const newer = '2d8e69cfb744f4adb827751cf0c5dc10610a380e687c8d0649d2447e50fdf250';

for (const [version, said] of Object.entries(recorded)) {
  describe(`what restic ${version} says`, () => {
    it('of a backup: the counts of its last line, and the snapshot', () => {
      assert.deepEqual(parseBackupSummary(said.backup), {
        snapshotId: said.summaryId,
        filesNew: 1,
        filesChanged: 0,
        filesUnmodified: 0,
        filesProcessed: 1,
        bytesProcessed: 4,
        bytesAdded: 354,
      });
    });

    it('of snapshots: time, tags (also when there are none) and paths', () => {
      const common = { hostname: 'web', paths: ['/srv/tree'] };
      assert.deepEqual(parseSnapshots(said.snapshots), [
        { id: older, shortId: 'f95364c3', time: new Date('2026-01-01T03:00:00Z'), tags: [], ...common },
        {
          id: newer,
          shortId: '2d8e69cf',
          time: new Date('2026-01-02T03:00:00Z'),
          tags: ['web', 'service:docker/shop'],
          ...common,
        },
      ]);
    });

    it('of a plan to forget: what would go, not what stays', () => {
      assert.deepEqual(parseForgetPlan(said.forget), [older]);
    });

    it('of its size and its version', () => {
      assert.equal(parseRawSize(said.stats), said.size);
      assert.deepEqual(parseVersion(said.version), said.numbers);
    });
  });
}

it('an empty repository has no snapshots, and a plan for it is no text at all', () => {
  assert.deepEqual(parseSnapshots('[]'), []);
  assert.deepEqual(parseSnapshots('null'), []);
  assert.deepEqual(parseForgetPlan(''), []);
  assert.deepEqual(parseForgetPlan('\n'), []);
  assert.deepEqual(parseForgetPlan('[{"host":"web","keep":[],"remove":null}]'), []);
});

it('a backup that ended before its summary has none', () => {
  assert.equal(parseBackupSummary(''), undefined);
  assert.equal(parseBackupSummary('{"message_type":"status","percent_done":0}\n'), undefined);
});

it('what is no JSON is an error that shows how it begins', () => {
  const text = `<html>${'x'.repeat(1000)}`;
  for (const parse of [parseSnapshots, parseForgetPlan, parseRawSize]) {
    assert.throws(() => parse(text), {
      name: 'BackupError',
      message: `restic answered something that is no JSON: ${text.slice(0, 200)}`,
    });
  }
});

it('a program that does not say it is restic is refused', () => {
  assert.throws(() => parseVersion('rustic 0.9.1\nmore'), {
    name: 'BackupError',
    message: 'this is no restic that we know: rustic 0.9.1',
  });
});
