/**
 * What is shown of files with its secrets masked: files that hold credentials, values with the name or the look of a secret,
 * the secret tables of OpenClaw. In the place of each stands a short fingerprint, so that one sees that it changed, and
 * whether it is the same as elsewhere. The fingerprint is keyed by the repository's id: it says nothing to who has not got that.
 */
import { hashBytes } from '../codec/hash.ts';
import { kindOf } from '../diff/content-kind.ts';
import { parseJsonText } from '../diff/json-text.ts';
import type { SnapshotSource } from '../model/snapshot.ts';
import { isSecretTable } from '../openclaw/secret-tables.ts';
import { isSecretAt, isSecretName, isSecretText, maskLooks, maskNamed } from '../openclaw/secrets.ts';
import { componentsIn } from './restore-deletable.ts';

export interface MaskOptions {
  /** Any text, the same for all of a repository. */
  readonly key: string;
  /** The whole file is secret. */
  readonly isSecretFile: boolean;
  /** Texts that are known to be secret, wherever they stand. */
  readonly secrets?: readonly string[];
}

/** Sign-ins, variables of the environment and whatever else is nothing but secrets. */
export function isSecretFile(source: SnapshotSource, path: string): boolean {
  const name = path.split('/').at(-1) ?? '';
  return componentsIn(source, path).includes('credentials') || /^\.env(\..+)?$/.test(name);
}

const jsonBytesMax = 1024 * 1024;
const secretCharactersMin = 4;

/** Of a configuration that is shown line by line: what its keys tell to be secret, as it is written there. */
export function secretsInJson(path: string, content: Uint8Array): string[] {
  if (content.length > jsonBytesMax || kindOf(path, content) !== 'json') return [];
  const parsed = parseJsonText(Buffer.from(content).toString('utf8'));
  if (typeof parsed === 'string') return []; // no JSON: its lines tell what they can
  const found = new Set<string>();
  collectSecrets([], parsed.value, {}, found);
  return [...found];
}

/** Recurses: as deep as the values, which `parseJsonText` bounds. */
function collectSecrets(path: readonly string[], value: unknown, parent: unknown, found: Set<string>): void {
  if (typeof value === 'object' && value !== null) {
    for (const [name, one] of Object.entries(value)) collectSecrets([...path, name], one, value, found);
  } else if (
    typeof value === 'string' &&
    value.length >= secretCharactersMin &&
    isSecretAt(path, value, parent)
  ) {
    found.add(value).add(JSON.stringify(value).slice(1, -1));
  }
}

export class SecretMask {
  readonly #options: MaskOptions;

  constructor(options: MaskOptions) {
    this.#options = options;
  }

  /** A line of a text. */
  line(line: string): string {
    const text = this.#known(line);
    const [, head = '', name = '', value = ''] =
      /^(\s*(?:export\s+)?["']?([\w.-]+)["']?\s*[=:]\s*)(.*)$/.exec(text) ?? [];
    const isNamed = name !== '' && (this.#options.isSecretFile || isSecretName(name));
    // What is opened here and goes on below is no value.
    if (isNamed && isSecretText(value) && !/^[[{(,]*\s*$/.test(value)) return head + this.fingerprint(value);
    if (this.#options.isSecretFile && isSecretText(text) && /\w/.test(text)) return this.fingerprint(text);
    // The inner lines of a private key, and whatever else is nothing but letters and digits for long.
    if (/^\s*[A-Za-z0-9+/=_-]{40,}\s*$/.test(text)) return this.fingerprint(text.trim());
    return this.looks(text);
  }

  #known(line: string): string {
    const { secrets = [] } = this.#options;
    return secrets.reduce((text, secret) => text.replaceAll(secret, () => this.fingerprint(secret)), line);
  }

  /** What looks like a secret, or stands behind the name of one. */
  looks(text: string): string {
    const replacement = (secret: string): string => this.fingerprint(secret);
    return maskLooks(maskNamed(text, replacement), replacement);
  }

  /** What a record says. */
  said(text: string): string {
    return this.#options.isSecretFile ? this.fingerprint(text) : this.looks(text);
  }

  /** A value of JSON at its keys and positions from the root. */
  value(path: readonly string[], value: unknown, parent: unknown = {}): unknown {
    if (Array.isArray(value))
      return value.map((one, index) => this.value([...path, String(index)], one, value));
    if (typeof value === 'object' && value !== null) {
      const entries = Object.entries(value).map(([name, one]) => [
        name,
        this.value([...path, name], one, value),
      ]);
      return Object.fromEntries(entries);
    }
    const isAny = this.#options.isSecretFile && typeof value === 'string' && isSecretText(value);
    if (isAny || isSecretAt(path, value, parent)) return this.fingerprint(String(value));
    return typeof value === 'string' ? this.looks(value) : value;
  }

  /** Of a database. A column that holds JSON is masked inside. */
  cell(table: string, column: string, value: string): string {
    if (!isSecretText(value)) return value;
    if (isSecretTable(table) || isSecretName(column)) return this.fingerprint(value);
    return this.#json(column, value) ?? this.looks(value);
  }

  #json(column: string, text: string): string | undefined {
    if (!/^\s*[[{]/.test(text)) return undefined;
    try {
      return JSON.stringify(this.value([column], JSON.parse(text)));
    } catch (error) {
      if (error instanceof SyntaxError) return undefined; // no JSON: a text like any other
      if (error instanceof RangeError) return this.fingerprint(text); // nested too deeply to be looked into
      throw error;
    }
  }

  fingerprint(secret: string): string {
    const hash = Buffer.from(hashBytes(Buffer.from(`exuvia mask\0${this.#options.key}\0${secret}`)));
    return `<secret ${hash.toString('hex', 0, 4)}>`;
  }
}
