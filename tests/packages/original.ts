import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { must } from './rig/commands.ts';
import { placeFor } from './rig/place.ts';

/**
 * Packages with the files of the original programs (0.2), which ours replace: their names, places and rights, scripts that
 * do nothing, units whose timers pull in their services, and configuration in the original's spelling that all can read.
 */
export async function makeOriginals(): Promise<string> {
  const folder = await placeFor('packages', 'original');
  await rm(folder, { recursive: true, force: true });
  for (const [name, files] of Object.entries(contents)) await makePackage(folder, name, files);
  return folder;
}

type Files = Readonly<Record<string, readonly [text: string, mode: number]>>;

async function makePackage(folder: string, name: string, files: Files): Promise<void> {
  const tree = join(folder, name);
  const configuration = Object.keys(files).filter((path) => path.startsWith('/etc/'));
  const depends = name === 'backup-common' ? 'bash' : 'backup-common (= 0.2)';
  const control = `Package: ${name}\nVersion: 0.2\nArchitecture: all\nMaintainer: nobody <root@localhost>\nDepends: ${depends}\nDescription: the original\n`;
  const all: Files = {
    ...files,
    '/DEBIAN/control': [control, 0o644],
    '/DEBIAN/conffiles': [configuration.map((path) => `${path}\n`).join(''), 0o644],
  };
  for (const [path, [text, mode]] of Object.entries(all)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), text);
    await chmod(join(tree, path), mode);
  }
  await must('dpkg-deb', ['--root-owner-group', '--build', tree, `${tree}_0.2_all.deb`]);
  await rm(tree, { recursive: true });
}

const script: readonly [string, number] = ['#!/bin/bash\nexit 0\n', 0o700];

function units(name: string, program: string, calendar: string): Files {
  return {
    [`/lib/systemd/system/${name}.service`]: [`[Service]\nType=oneshot\nExecStart=/opt/backup/bin/${program}\n`, 0o644],
    [`/lib/systemd/system/${name}.timer`]: [
      `[Unit]\nRequires=${name}.service\n[Timer]\nOnCalendar=${calendar}\nPersistent=true\n[Install]\nWantedBy=timers.target\n`,
      0o644,
    ],
  };
}

const contents: Readonly<Record<string, Files>> = {
  'backup-common': {
    '/opt/backup/lib/plugins/common_functions.sh': ['# functions\n', 0o600],
    '/etc/backup/common_config': [
      'YQ_CMD="yq"\nMSMTP_CMD="msmtp"\nDEFAULT_ADMIN_EMAIL="admin@example.org"\nDEFAULT_KEEP_DAYS="7"\n',
      0o644,
    ],
  },
  'backup-client': {
    '/opt/backup/bin/local_backup.sh': script,
    '/opt/backup/lib/plugins/docker.sh': script,
    '/opt/backup/lib/plugins/files.sh': script,
    '/etc/backup/client_config.yml': [
      'base_backup_dir: "/var/tmp/backups"\nbackup_user: "backup"\nbackup_group: "backup"\nadmin_email: "admin@example.org"\nkeep_days: 7\nhostname: "old"\ntools:\n  yq_cmd: "/usr/local/bin/yq"\n',
      0o644,
    ],
    ...units('local-backup', 'local_backup.sh', '*-*-* 03:00:00'),
  },
  'backup-server': {
    '/opt/backup/bin/backup_server.sh': script,
    '/opt/backup/bin/restic_maintenance.sh': script,
    '/etc/backup/server_config.yml': [
      'global:\n  local_temp_base_dir: "/var/tmp/backup_server_work"\n  admin_email: "admin@example.org"\nrestic:\n  repository_root: "/srv/restic"\n  password_file: "/etc/backup/restic-password"\n  maintenance:\n    forget_policy: "--keep-daily 7"\n    prune: true\nhosts:\n  - hostname: "old"\n    ssh_user: "backup"\n    ssh_key_file: "/etc/backup/ssh-key"\n    remote_tar_dir: "/var/tmp/backups"\n',
      0o644,
    ],
    ...units('backup-server', 'backup_server.sh', '*-*-* 04:00:00'),
    ...units('restic-maintenance', 'restic_maintenance.sh', 'Sun *-*-* 05:00:00'),
  },
};
