import { mailSchema } from '#common/config/mail-schema.ts';

const logLevel = { enum: [0, 1, 2, 3], description: '0 errors, 1 warnings, 2 information, 3 debugging.' } as const;
const email = (whom: string) => ({ type: 'string', description: `Who gets mails about ${whom}.` }) as const;
const bandwidth = { type: 'string', format: 'byte-size', description: 'Bytes per second, such as 10MiB.' } as const;
const count = { type: 'integer', minimum: 1 } as const;

/** How many snapshots to keep; as a map, or as restic's own `--keep-…` arguments in one text. */
const forgetPolicy = {
  description: 'Which snapshots are kept: a map of numbers, or a text of --keep-… arguments of restic.',
  anyOf: [
    { type: 'string', minLength: 1 },
    {
      type: 'object',
      minProperties: 1,
      additionalProperties: false,
      properties: {
        last: { ...count, description: 'The newest ones.' },
        hourly: { ...count, description: 'One an hour, for this many hours that have one.' },
        daily: { ...count, description: 'One a day.' },
        weekly: { ...count, description: 'One a week.' },
        monthly: { ...count, description: 'One a month.' },
        yearly: { ...count, description: 'One a year.' },
        within: {
          type: 'string',
          pattern: '^(\\d+[ymdh])+$',
          description: 'All that are younger than this, such as 2y5m7d.',
        },
      },
    },
  ],
  expected:
    'a map of last, hourly, daily, weekly, monthly, yearly (numbers from 1) and within, or a text of --keep-… arguments',
} as const;

const optionList = {
  anyOf: [
    { type: 'string', pattern: `^([^"']|"[^"]*"|'[^']*')*$` },
    { type: 'array', items: { type: 'string' } },
  ],
  expected: 'a list of arguments, or a text of arguments separated by blanks with every quote closed',
} as const;

/** What a host and `defaults` have in common. */
const hostSettings = {
  transport: {
    enum: ['sftp', 'local'],
    description: 'sftp: over SSH; local: a folder on this machine. sftp when left out.',
  },
  ssh_user: { type: 'string', description: 'The account to log in as.' },
  ssh_port: { type: 'integer', minimum: 1, maximum: 65535, description: 'The port of sshd; 22 when left out.' },
  ssh_key_file: { type: 'string', format: 'absolute-path', description: 'The private key; only root may read it.' },
  known_hosts_file: {
    type: 'string',
    format: 'absolute-path',
    description: 'Known host keys; /root/.ssh/known_hosts when left out.',
  },
  connect_timeout: {
    type: 'string',
    format: 'duration',
    description: 'How long a connection may take; 10s when left out.',
  },
  remote_tar_dir: { type: 'string', format: 'absolute-path', description: "The client's drop folder." },
  admin_email: email('this host'),
  forget_policy: forgetPolicy,
  restic_forget_policy: forgetPolicy,
  bandwidth_limit: bandwidth,
  after_fetch: {
    enum: ['move', 'delete', 'keep'],
    description: 'What becomes of a stored archive on the client; move (into done/) when left out.',
  },
  tree: {
    enum: ['keep', 'discard'],
    description: 'keep the unpacked copy for the next run, or discard it; keep when left out.',
  },
  archive_time_zone: {
    type: 'string',
    format: 'time-zone',
    description: 'The zone of the times in archive names; UTC when left out.',
  },
  optional: { type: 'boolean', description: 'true: not being there is no failure until max_age is passed.' },
  max_age: {
    type: 'string',
    format: 'duration',
    description: 'How old the newest good backup may be; 36h when left out.',
  },
  retries: { type: 'integer', minimum: 0, description: 'How often a failed host is tried again; 2 when left out.' },
  retry_pause: {
    type: 'string',
    format: 'duration',
    description: 'The first pause before trying again, doubled each time; 30s when left out.',
  },
  max_entries: {
    ...count,
    description: 'More files, folders and links than this in an archive are refused; 5000000 when left out.',
  },
  password_file: { type: 'string', format: 'absolute-path', description: "The password of this host's repository." },
} as const;

/** /etc/backup/server_config.yml */
export const serverConfigSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'server_config.yml',
  description: 'Settings of backup-server and restic-maintenance on the machine that stores backups.',
  type: 'object',
  properties: {
    global: {
      type: 'object',
      description: 'Settings of all runs.',
      default: {},
      properties: {
        local_temp_base_dir: {
          type: 'string',
          format: 'absolute-path',
          default: '/var/tmp/backup_server_work',
          description: 'Where archives are unpacked; holds a copy of every host with tree: keep.',
        },
        admin_email: email('every run; DEFAULT_ADMIN_EMAIL when left out'),
        email_subject_prefix: {
          type: 'string',
          description: 'What subjects of mails begin with; [Backup Server] when left out.',
        },
        hostname: { type: 'string', description: "This machine's name in mails; the full host name when left out." },
        log_level: logLevel,
        parallel_hosts: { ...count, default: 2, description: 'How many hosts are backed up at the same time.' },
        bandwidth_limit: { ...bandwidth, description: 'Bytes per second for all hosts together, such as 50MiB.' },
        state_dir: {
          type: 'string',
          format: 'absolute-path',
          default: '/var/lib/backup',
          description: 'Records of runs and hosts.',
        },
        runtime_dir: {
          type: 'string',
          format: 'absolute-path',
          default: '/run/backup',
          description: 'Locks of running programs.',
        },
        lock_retries: {
          type: 'integer',
          minimum: 0,
          default: 3,
          description: 'How often to look again while a client is busy.',
        },
        lock_retry_interval: {
          type: 'string',
          format: 'duration',
          default: '120s',
          description: 'How long to wait between.',
        },
        tar_cmd: { type: 'string', description: 'Path of GNU tar.' },
        msmtp_cmd: { type: 'string', description: 'Path of the program that sends mails.' },
        yq_cmd: { type: 'string', description: 'Not used any more; accepted from older configurations.' },
        jq_cmd: { type: 'string', description: 'Not used any more; accepted from older configurations.' },
      },
      additionalProperties: false,
    },
    hostname: { type: 'string', description: 'The same as global.hostname.' },
    email_subject_prefix: { type: 'string', description: 'The same as global.email_subject_prefix.' },
    mail: mailSchema,
    restic: {
      type: 'object',
      description: 'The repositories.',
      properties: {
        repository_root: {
          type: 'string',
          minLength: 1,
          description:
            'A folder or any URL of restic (sftp:, rest:, s3:, rclone: …); each host has <repository_root>/<hostname>.',
        },
        password_file: {
          type: 'string',
          format: 'absolute-path',
          description: 'The password of all repositories; only root may read it.',
        },
        env_file: {
          type: 'string',
          format: 'absolute-path',
          description: 'KEY=value lines with credentials of the storage, for restic only.',
        },
        restic_cmd: { type: 'string', description: 'Path of restic.' },
        cache_dir: {
          type: 'string',
          format: 'absolute-path',
          default: '/var/cache/backup/restic',
          description: "restic's cache.",
        },
        retry_lock: {
          type: 'string',
          format: 'duration',
          default: '15m',
          description: 'How long to wait while a repository is locked (restic 0.16 and later).',
        },
        backup_options: { ...optionList, description: 'Further arguments of restic backup.' },
        maintenance: {
          type: 'object',
          description: 'What restic-maintenance does.',
          default: {},
          properties: {
            forget_policy: forgetPolicy,
            prune: {
              type: 'boolean',
              default: true,
              description: 'Remove from the repository what no snapshot needs.',
            },
            check: { type: 'boolean', default: true, description: 'Check the repository.' },
            check_options: { ...optionList, description: 'Further arguments of restic check.' },
            check_read_data_mode: {
              type: ['string', 'boolean', 'integer'],
              description:
                'true: check reads all data; "10%", "1/5" or "5G": a part of it. check_read_data_within is better.',
            },
            check_read_data_within: {
              type: 'string',
              format: 'duration',
              description: 'All data is read once within this time, a part in each run; 90d for example.',
            },
            show_stats: {
              type: 'boolean',
              default: false,
              description: 'Put the sizes of the repositories into the report.',
            },
            log_level: logLevel,
            admin_email: email('maintenance; global.admin_email when left out'),
            email_subject_prefix: {
              type: 'string',
              default: '[Restic Maint]',
              description: 'What subjects of its mails begin with.',
            },
          },
          additionalProperties: false,
        },
      },
      required: ['repository_root', 'password_file'],
      additionalProperties: false,
    },
    defaults: {
      type: 'object',
      description: 'Settings of every host that does not set its own.',
      default: {},
      properties: hostSettings,
      additionalProperties: false,
    },
    hosts: {
      type: 'array',
      minItems: 1,
      description: 'The machines to back up.',
      items: {
        type: 'object',
        properties: {
          hostname: {
            type: 'string',
            format: 'safe-name',
            description:
              'Name of the host: in its archives, in restic, of its repository; and its address where none is set.',
          },
          address: { type: 'string', description: 'Name or address to connect to.' },
          host_key: {
            anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, minItems: 1 }],
            expected: 'a host key ("ssh-ed25519 AAAA…"), a fingerprint ("SHA256:…"), or a list of them',
            description: "The host's public key or its fingerprint; known_hosts_file is not asked then.",
          },
          repository: { type: 'string', description: 'Another repository than <repository_root>/<hostname>.' },
          ...hostSettings,
        },
        required: ['hostname'],
        additionalProperties: false,
      },
    },
  },
  required: ['restic', 'hosts'],
  additionalProperties: false,
} as const;
