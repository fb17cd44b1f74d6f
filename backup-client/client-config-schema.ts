import { mailSchema } from '#common/config/mail-schema.ts';

const command = (what: string) => ({ type: 'string', minLength: 1, description: `Path of ${what}.` }) as const;

/** /etc/backup/client_config.yml */
export const clientConfigSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'client_config.yml',
  description: 'Settings of local-backup on a machine that is backed up.',
  type: 'object',
  properties: {
    base_backup_dir: {
      type: 'string',
      format: 'absolute-path',
      description: 'The drop folder: archives are made here and fetched from here.',
    },
    backup_user: { type: 'string', minLength: 1, description: 'The account that fetches archives; they belong to it.' },
    backup_group: { type: 'string', minLength: 1, description: "That account's group; it may enter the drop folder." },
    admin_email: {
      type: 'string',
      description: 'Who is told when a backup failed; DEFAULT_ADMIN_EMAIL when left out.',
    },
    keep_days: {
      type: 'integer',
      minimum: 1,
      description: 'Days that archives stay; the newest one always does. DEFAULT_KEEP_DAYS when left out.',
    },
    plugin_dir: {
      type: 'string',
      format: 'absolute-path',
      description: "The user's own plugins; DEFAULT_PLUGIN_DIR when left out.",
    },
    email_subject_prefix: {
      type: 'string',
      default: '[Backup Error]',
      description: 'What subjects of mails begin with.',
    },
    hostname: {
      type: 'string',
      format: 'safe-name',
      description:
        "This machine's name in archive names; the server must know it by it. The full host name when left out.",
    },
    min_free_space_mb: {
      type: 'integer',
      minimum: 0,
      description: 'Free space in MiB that must be left in the drop folder; DEFAULT_MIN_FREE_SPACE_MB when left out.',
    },
    full_read_every: {
      type: 'string',
      format: 'duration',
      default: '30d',
      description:
        'How often everything is read again, also what has not changed since the last archive; 0s: every time.',
    },
    log_level: { enum: [0, 1, 2, 3], description: '0 errors, 1 warnings, 2 information, 3 debugging.' },
    state_dir: { type: 'string', format: 'absolute-path', default: '/var/lib/backup', description: 'Records of runs.' },
    runtime_dir: {
      type: 'string',
      format: 'absolute-path',
      default: '/run/backup',
      description: 'Locks of running programs.',
    },
    lock: {
      type: 'object',
      description: 'What to do while another process holds the lock of the drop folder.',
      default: {},
      properties: {
        retries: { type: 'integer', minimum: 0, default: 3, description: 'How often to try again.' },
        retry_interval: {
          type: 'string',
          format: 'duration',
          default: '60s',
          description: 'How long to wait between.',
        },
      },
      additionalProperties: false,
    },
    ignore: {
      type: 'array',
      items: { type: 'string', minLength: 1 },
      default: [],
      description:
        'What need not be saved and is not named by "local-backup plan": "<kind>/<name>", with * for anything, for example "volume/*_cache".',
    },
    mail: mailSchema,
    tools: {
      type: 'object',
      description: 'Programs to run instead of those in common_config.',
      default: {},
      properties: {
        tar_cmd: command('GNU tar'),
        rsync_cmd: command('rsync'),
        msmtp_cmd: command('the program that sends mails'),
        docker_cmd: command('docker compose'),
        pg_dump_cmd: command('pg_dump'),
        mysqldump_cmd: command('mysqldump or mariadb-dump'),
        influx_cmd: command("InfluxDB's client"),
        univention_backup_cmd: command("Univention's backup program"),
        yq_cmd: { type: 'string', description: 'Not used any more; accepted from older configurations.' },
      },
      additionalProperties: false,
    },
  },
  required: ['base_backup_dir', 'backup_user', 'backup_group'],
  additionalProperties: false,
} as const;
