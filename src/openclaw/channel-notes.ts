/** What the channels of a configuration need after it has come to another machine. Pure. */
import { asRecord, recordAt } from './json5.ts';

const notesOf: Readonly<Record<string, string>> = {
  whatsapp:
    'WhatsApp: pair again by scanning the QR code (openclaw channels login --channel whatsapp); a session works on one machine at a time',
  telegram: 'Telegram: check that the bot token is still valid, and that no other machine uses it',
  discord: 'Discord: check that the bot is still invited to your servers',
  signal: 'Signal: link this machine again',
  imessage: 'iMessage: sign in on this machine',
  matrix: 'Matrix: sign in again, so that this machine gets keys of its own',
  slack: 'Slack: check that the app’s tokens are still valid',
};

/** For the channels that are there and not switched off, then for keys that are expected in the environment. */
export function channelNotes(
  config: Readonly<Record<string, unknown>>,
  knownVariables: ReadonlySet<string>,
): string[] {
  // Older configurations have the channels at their top.
  const channels = { ...config, ...recordAt(config, 'channels') };
  const notes = Object.entries(notesOf).flatMap(([name, note]) => {
    const channel = asRecord(channels[name]);
    return channel === undefined || channel['enabled'] === false ? [] : [note];
  });
  const missing = [...variablesIn(config)].filter((name) => !knownVariables.has(name)).sort();
  if (missing.length > 0)
    notes.push(
      `Keys from the environment: ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not set here`,
    );
  return notes;
}

/** `${NAME}` in any text of the configuration. */
function variablesIn(value: unknown): Set<string> {
  const found = new Set<string>();
  const visit = (at: unknown): void => {
    if (typeof at === 'string')
      for (const [, name = ''] of at.matchAll(/\$\{([A-Z_][A-Z0-9_]*)\}/gi)) found.add(name);
    else if (Array.isArray(at)) at.forEach(visit);
    else Object.values(asRecord(at) ?? {}).forEach(visit);
  };
  visit(value);
  return found;
}

/** Names that a `.env` file sets. */
export function variablesOfEnvFile(text: string): string[] {
  return [...text.matchAll(/^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*\S/gm)].map(
    (match) => match[1] ?? '',
  );
}
