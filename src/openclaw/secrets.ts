/**
 * Which values of a configuration are secret: by the name of their key, by the key they lie below, or by what they look like.
 * When in doubt a value counts as secret: masking too much costs nothing, because an import puts back what is there.
 */
import { asRecord } from './json5.ts';

/** Stands in the place of a secret. */
export const redactedMark = '__EXUVIA_REDACTED__';

/** OpenClaw's own `config get --json` writes the other one. */
const marks: readonly string[] = [redactedMark, '__OPENCLAW_REDACTED__'];

export function isRedactedMark(value: unknown): boolean {
  return typeof value === 'string' && marks.includes(value);
}

/** Last words of names that hold a secret. */
const secretWords = new Set(
  (
    'token secret password passwd pass pwd passphrase passcode key apikey authtoken bottoken accesstoken ' +
    'credential authorization cookie jwt bearer nsec mnemonic privatekey clientsecret'
  ).split(' '),
);
/** Texts directly below such a name are secrets; a number is none (`maxTokens`). */
const secretListWords = new Set('tokens secrets passwords keys apikeys credentials cookies'.split(' '));
/** Names of a whole, not of a last word: the tokens of a sign-in. */
const secretNames = new Set(['access', 'refresh']);
/** Said after the name of a secret, these do not change what it is. */
const forms = new Set('value text string plain pem hash base64 b64 hex raw'.split(' '));
/** `publicKey`, `sessionKey`, `mainKey`: keys that open nothing. */
const openKeys = new Set(
  'public session main partition sort primary foreign cache group hot shortcut dedupe lookup store idempotency sibling'.split(
    ' ',
  ),
);
/** Every text below these is secret: variables of a process, headers of a request. */
const secretFolders = new Set(['env', 'headers']);

/** `botToken`, `OPENAI_API_KEY` and `x-api-key` to lower-case words. */
function wordsOf(name: string): string[] {
  const spaced = name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2');
  return spaced
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
}

/** Whether a key of that name holds a secret. */
export function isSecretName(name: string): boolean {
  const words = wordsOf(name);
  while (words.length > 1 && forms.has(words.at(-1) ?? '')) words.pop();
  const last = words.at(-1) ?? '';
  if (last === 'key' && openKeys.has(words.at(-2) ?? '')) return false;
  return secretWords.has(last) || (words.length === 1 && secretNames.has(last));
}

/** What no one writes by hand: keys with the prefixes of their makers, sign-ins inside addresses, private keys. */
const secretLooks: readonly RegExp[] = [
  /\b(sk|rk|pk)[-_](live|test|proj|ant|or)?[-_]?[A-Za-z0-9_-]{16,}/,
  /\b(xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,}/,
  /\b(gh[opsur]_|github_pat_|glpat-|hf_|gsk_|npm_|r8_|tvly-|xai-|nvapi-|pplx-)[A-Za-z0-9_-]{16,}/,
  /\bAIza[A-Za-z0-9_-]{30,}/,
  /\b(AKIA|ASIA)[A-Z0-9]{16}\b/,
  /\b\d{6,12}:[A-Za-z0-9_-]{30,}/, // Telegram
  /\b[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}/, // Discord
  /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*/, // JSON Web Token
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /^[a-z][a-z0-9+.-]*:\/\/[^/\s:@]*:[^/\s@]+@/i,
  /[?&](token|key|api_?key|secret|password|access_token)=[^&\s$]{6,}/i,
  /\bhooks\.slack\.com\/services\/|\bdiscord(app)?\.com\/api\/webhooks\//,
  /^(Bearer|Basic)\s+\S{8,}/i,
];

export function looksSecret(text: string): boolean {
  return secretLooks.some((look) => look.test(text));
}

/** The text with everything that looks like a secret replaced. */
export function maskLooks(text: string, replacement: (secret: string) => string): string {
  return secretLooks.reduce((masked, look) => {
    const everywhere = new RegExp(look.source, look.flags.includes('i') ? 'gi' : 'g');
    return masked.replace(everywhere, (secret) =>
      secret.startsWith('<secret ') ? secret : replacement(secret),
    );
  }, text);
}

/**
 * `token: "…"` and `"apiKey":"…"` anywhere in a text, also inside a string of JSON, where quotes have a backslash before them.
 * A name is looked at from its beginning only, so that the time is that of the length.
 */
const namedTexts =
  /(?<![\w.-])([\w.-]{1,100})((?:\\{0,7}["'])?\s{0,20}[:=]\s{0,20}(\\{0,7}["']))((?:(?!\3).){1,100000}?)\3/gs;

/** The text with every quoted value replaced that stands behind the name of a secret. */
export function maskNamed(text: string, replacement: (secret: string) => string): string {
  return text.replace(namedTexts, (all, name: string, between: string, quote: string, value: string) =>
    isSecretName(name) && isSecretText(value) && !value.startsWith('<secret ')
      ? name + between + replacement(value) + quote
      : all,
  );
}

/** `{ source: "env", id: "TELEGRAM_TOKEN" }`: says where a secret is, and is none. */
export function isSecretRef(value: unknown): boolean {
  const record = asRecord(value);
  const source = record?.['source'];
  return (source === 'env' || source === 'file' || source === 'exec') && typeof record?.['id'] === 'string';
}

/** `${NAME}`, also with `Bearer ` before it. */
function isPlaceholder(text: string): boolean {
  if (!text.includes('${')) return false;
  const rest = text.replace(/\$\{[A-Za-z_][A-Za-z0-9_]*\}/g, '').trim();
  return rest === '' || /^(bearer|basic|token|bot)$/i.test(rest);
}

/** Whether a text can be a secret at all. */
export function isSecretText(text: string): boolean {
  return text.trim() !== '' && !isPlaceholder(text) && !isRedactedMark(text);
}

/**
 * Whether the value at a key path is secret.
 * @param path keys and element numbers from the root
 * @param parent the object or array that holds it
 */
export function isSecretAt(path: readonly string[], value: unknown, parent: unknown): boolean {
  if (typeof value === 'number') return isSecretName(path.at(-1) ?? '') && !Array.isArray(parent);
  if (typeof value !== 'string' || !isSecretText(value) || isSecretRef(parent)) return false;
  if (looksSecret(value) || path.slice(0, -1).some((key) => secretFolders.has(key))) return true;
  if (Array.isArray(parent)) return isSecretElement(path, value, parent);
  return isSecretName(path.at(-1) ?? '') || isSecretList(path.at(-2) ?? '');
}

function isSecretList(name: string): boolean {
  return secretListWords.has(wordsOf(name).at(-1) ?? '');
}

/** `tokens: ["…"]`, and what follows `--api-key` among the words of a command. */
function isSecretElement(path: readonly string[], value: string, parent: readonly unknown[]): boolean {
  const name = path.findLast((key) => !/^\d+$/.test(key)) ?? '';
  if (isSecretName(name) || isSecretList(name)) return true;
  const [, flag] = /^--?([A-Za-z][\w-]*)=./.exec(value) ?? [];
  if (flag !== undefined) return isSecretName(flag);
  const before = parent[Number(path.at(-1)) - 1];
  return typeof before === 'string' && /^--?[A-Za-z][\w-]*$/.test(before) && isSecretName(before);
}
