/** The files of a home that are not databases or session logs. */
import type { Random } from '../lib/random.ts';
import type { Writer } from '../lib/text.ts';

export interface HomeFile {
  /** Relative to the state folder. */
  readonly path: string;
  readonly content: string | Buffer;
}

/** Markdown with headings, lists, links and paragraphs; lengths spread widely around `bytesMean`. */
export function markdownOf(writer: Writer, random: Random, bytesMean: number): string {
  const topic = writer.topic(random);
  const bytes = Math.min(bytesMean * 12, bytesMean * Math.exp(0.7 * random.normal() - 0.245));
  const parts = [`# ${capitalizedWords(writer.phrase(random, topic, 3))}\n`];
  let length = 0;
  while (length < bytes) {
    const part = markdownBlock(writer, random, topic);
    parts.push(part);
    length += part.length + 1;
  }
  return parts.join('\n');
}

function markdownBlock(writer: Writer, random: Random, topic: Uint16Array): string {
  const kind = random.below(10);
  if (kind === 0) return `## ${capitalizedWords(writer.phrase(random, topic, random.between(1, 4)))}\n`;
  if (kind < 4) {
    const items = Array.from({ length: random.between(2, 7) }, () => {
      const mark = random.pick(['-', '-', '- [ ]', '- [x]']);
      return `${mark} ${writer.prose(random, topic, random.between(4, 18))}`;
    });
    return `${items.join('\n')}\n`;
  }
  if (kind === 4)
    return `See [${writer.phrase(random, topic, 2)}](${writer.phrase(random, topic, 2, '/')}.md).\n`;
  return `${writer.prose(random, topic, random.between(25, 120))}\n`;
}

function capitalizedWords(text: string): string {
  return text.replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase());
}

/** Configuration, credentials, identities, schedules, logs and a few attachments, as OpenClaw leaves them. */
export function smallFiles(writer: Writer, random: Random, startMs: number): HomeFile[] {
  const config = `${JSON.stringify(configOf(random, startMs), null, 2)}\n`;
  return [
    { path: 'openclaw.json', content: config },
    ...['', '.1', '.2', '.3', '.4'].map((suffix, age) => ({
      path: `openclaw.json.bak${suffix}`,
      content: config.replaceAll('"maxConcurrent": 4', `"maxConcurrent": ${3 - (age % 2)}`),
    })),
    {
      path: '.env',
      content: `ANTHROPIC_API_KEY=sk-ant-${random.hex(48)}\nTELEGRAM_BOT_TOKEN=${random.hex(35)}\n`,
    },
    { path: 'identity/device.json', content: JSON.stringify({ version: 1, deviceId: random.hex(64) }) },
    {
      path: 'exec-approvals.json',
      content: JSON.stringify({ version: 1, socket: { token: random.hex(32) } }),
    },
    { path: 'agents/main/agent/auth-profiles.json', content: authProfiles(random) },
    {
      path: 'cron/jobs.json',
      content: JSON.stringify({ version: 1, jobs: cronJobs(writer, random) }, null, 2),
    },
    ...whatsappFiles(random),
    { path: 'logs/gateway.log', content: gatewayLog(writer, random, startMs, 9000) },
    ...Array.from({ length: 6 }, (_, index) => ({
      path: `media/inbound/photo-${index + 1}.jpg`,
      content: Buffer.concat([
        Buffer.from('ffd8ffe000104a464946', 'hex'),
        random.bytes(random.between(200_000, 900_000)),
      ]),
    })),
  ];
}

function configOf(random: Random, startMs: number): object {
  return {
    meta: { lastTouchedVersion: '2026.9.6', lastTouchedAt: new Date(startMs).toISOString() },
    gateway: { port: 18_789, mode: 'local', auth: { mode: 'token', token: random.hex(48) } },
    agents: { defaults: { model: { primary: 'anthropic/claude-opus-4-6' }, maxConcurrent: 4 } },
    channels: {
      telegram: { enabled: true, dmPolicy: 'pairing' },
      whatsapp: { enabled: true, allowFrom: ['+15550100'] },
    },
    session: { dmScope: 'per-channel-peer' },
  };
}

function authProfiles(random: Random): string {
  const key = `sk-ant-${random.hex(96)}`;
  return JSON.stringify({
    version: 1,
    profiles: { 'anthropic:default': { type: 'api_key', provider: 'anthropic', key } },
  });
}

function cronJobs(writer: Writer, random: Random): object[] {
  return Array.from({ length: 6 }, () => {
    const topic = writer.topic(random);
    return {
      id: random.uuid(),
      name: writer.phrase(random, topic, 2),
      enabled: true,
      schedule: { kind: 'cron', expr: `${random.below(60)} ${random.below(24)} * * *` },
      payload: { kind: 'agentTurn', message: writer.prose(random, topic, 40) },
    };
  });
}

function whatsappFiles(random: Random): HomeFile[] {
  const folder = 'credentials/whatsapp/default';
  const keyPair = (): object => ({
    public: { type: 'Buffer', data: random.bytes(32).toString('base64') },
    private: { type: 'Buffer', data: random.bytes(32).toString('base64') },
  });
  return [
    {
      path: `${folder}/creds.json`,
      content: JSON.stringify({ noiseKey: keyPair(), me: { id: '15550100' } }),
    },
    ...Array.from({ length: 46 }, (_, index) => ({
      path: `${folder}/pre-key-${index + 1}.json`,
      content: JSON.stringify(keyPair()),
    })),
  ];
}

function gatewayLog(writer: Writer, random: Random, startMs: number, lines: number): string {
  const topic = writer.topic(random);
  let timeMs = startMs;
  const text = Array.from({ length: lines }, () => {
    timeMs += random.below(200_000);
    const part = random.pick(['gateway', 'telegram', 'whatsapp', 'cron', 'agent/main']);
    return `${new Date(timeMs).toISOString()} [${part}] ${writer.phrase(random, topic, random.between(3, 9))} (${random.below(900)}ms)`;
  });
  return `${text.join('\n')}\n`;
}
