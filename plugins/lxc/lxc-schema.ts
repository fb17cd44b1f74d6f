import type { FromSchema } from 'json-schema-to-ts';

const options = {
  type: 'object',
  properties: {
    container: { type: 'string', format: 'safe-name', description: 'The name of a container of LXC.' },
    vmid: { type: 'integer', minimum: 100, description: 'The number of a container of Proxmox VE.' },
    lxc_path: {
      type: 'string',
      format: 'absolute-path',
      default: '/var/lib/lxc',
      description: 'Where LXC has its containers.',
    },
    stop_timeout: {
      type: 'string',
      format: 'duration',
      default: '2m',
      description: 'How long it may take to shut down before it is killed.',
    },
    snapshot: {
      type: 'boolean',
      description:
        'true: where its root file system lies on ZFS or btrfs, it is read from a snapshot while the container runs again.',
    },
    stop_hours: {
      type: 'array',
      items: {
        type: 'string',
        pattern: '^([01]\\d|2[0-3]):[0-5]\\d-([01]\\d|2[0-3]):[0-5]\\d$',
        expected: 'two times of the day, such as 22:00-06:00',
      },
      minItems: 1,
      description:
        'When it may be stopped, by the clock of this machine. At other times the service is skipped, if it runs.',
    },
  },
  additionalProperties: false,
} as const;

export const lxcSchema = {
  ...options,
  description: 'A container of LXC or Proxmox VE, whole; stopped meanwhile, if it runs.',
  oneOf: [{ required: ['container'] }, { required: ['vmid'] }],
  expected: 'a map with either container or vmid',
  allOf: [{ not: { required: ['vmid', 'snapshot'] }, expected: 'a map without snapshot, which is for container only' }],
} as const;

export type LxcOptions = FromSchema<typeof options>;
