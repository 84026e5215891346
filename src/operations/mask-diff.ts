/**
 * Secrets in a difference, masked: files that hold credentials, values with the name or the look of a secret, the secret
 * tables of OpenClaw. In the place of each stands a short fingerprint, so that one sees that it changed, and whether it is
 * the same as elsewhere. The fingerprint is keyed by the repository's id: it says nothing to who has not got that.
 */
import { hashBytes } from '../codec/hash.ts';
import type {
  CellValue,
  ContentDiff,
  JsonChange,
  JsonDiff,
  RecordsDiff,
  SqliteDiff,
  TableDiff,
  TextDiff,
  TextLine,
} from '../diff/content-diff.ts';
import { isSecretTable } from '../openclaw/secret-tables.ts';
import { isSecretAt, isSecretName, isSecretText, maskLooks } from '../openclaw/secrets.ts';

export interface MaskOptions {
  /** Any text, the same for all comparisons of a repository. */
  readonly key: string;
  /** The whole file is secret. */
  readonly isSecretFile: boolean;
}

export function maskDiff(diff: ContentDiff, options: MaskOptions): ContentDiff {
  const mask = new Mask(options);
  switch (diff.kind) {
    case 'text':
      return mask.text(diff);
    case 'json':
      return mask.json(diff);
    case 'records':
      return mask.records(diff);
    case 'sqlite':
      // A database among credentials holds much else: its tables and columns tell what is secret.
      return new Mask({ ...options, isSecretFile: false }).sqlite(diff);
    case 'binary':
    case 'note':
      return diff;
  }
}

class Mask {
  readonly #options: MaskOptions;

  constructor(options: MaskOptions) {
    this.#options = options;
  }

  text(diff: TextDiff): TextDiff {
    const hunks = diff.hunks.map((hunk) => ({ ...hunk, lines: hunk.lines.map((line) => this.#line(line)) }));
    return { ...diff, hunks };
  }

  /** Marks are offsets in the text as it was: a masked line has none. */
  #line(line: TextLine): TextLine {
    const text = this.#lineText(line.text);
    if (text === line.text) return line;
    const { marks: _marks, ...rest } = line;
    return { ...rest, text };
  }

  #lineText(text: string): string {
    const [, head = '', name = '', value = ''] =
      /^(\s*(?:export\s+)?["']?([\w.-]+)["']?\s*[=:]\s*)(.*)$/.exec(text) ?? [];
    const isNamed = name !== '' && (this.#options.isSecretFile || isSecretName(name));
    if (isNamed && isSecretText(value)) return head + this.#fingerprint(value);
    if (this.#options.isSecretFile && isSecretText(text)) return this.#fingerprint(text);
    // The inner lines of a private key, and whatever else is nothing but letters and digits for long.
    if (/^\s*[A-Za-z0-9+/=_-]{40,}\s*$/.test(text)) return this.#fingerprint(text.trim());
    return this.#looks(text);
  }

  #looks(text: string): string {
    return maskLooks(text, (secret) => this.#fingerprint(secret));
  }

  json(diff: JsonDiff): JsonDiff {
    return { ...diff, changes: diff.changes.map((change) => this.#change(change)) };
  }

  #change(change: JsonChange): JsonChange {
    const path = change.path.map(String);
    return {
      ...change,
      ...('before' in change ? { before: this.#value(path, change.before) } : {}),
      ...('after' in change ? { after: this.#value(path, change.after) } : {}),
    };
  }

  #value(path: readonly string[], value: unknown, parent: unknown = {}): unknown {
    if (Array.isArray(value))
      return value.map((one, index) => this.#value([...path, String(index)], one, value));
    if (typeof value === 'object' && value !== null) {
      const entries = Object.entries(value).map(([name, one]) => [
        name,
        this.#value([...path, name], one, value),
      ]);
      return Object.fromEntries(entries);
    }
    const isAny = this.#options.isSecretFile && typeof value === 'string' && isSecretText(value);
    if (isAny || isSecretAt(path, value, parent)) return this.#fingerprint(String(value));
    return typeof value === 'string' ? this.#looks(value) : value;
  }

  records(diff: RecordsDiff): RecordsDiff {
    const records = diff.records.map((record) => ({
      ...record,
      text: this.#options.isSecretFile ? this.#fingerprint(record.text) : this.#looks(record.text),
    }));
    return { ...diff, records };
  }

  sqlite(diff: SqliteDiff): SqliteDiff {
    return { ...diff, tables: diff.tables.map((table) => this.#table(table)) };
  }

  #table(table: TableDiff): TableDiff {
    const isSecret = isSecretTable(table.name);
    const cell = (column: string, value: CellValue): CellValue => {
      if (typeof value !== 'string' || !isSecretText(value)) return value;
      if (isSecret || isSecretName(column)) return this.#fingerprint(value);
      return this.#json(column, value) ?? this.#looks(value);
    };
    const rows = table.rows.map((row) => ({
      ...row,
      // What a row is known by is called a key, and is none; but it may look like one.
      key: row.key.map(({ column, value }) => ({
        column,
        value: typeof value === 'string' ? this.#looks(value) : value,
      })),
      ...(row.said === undefined ? {} : { said: { ...row.said, text: this.#looks(row.said.text) } }),
      cells: row.cells.map(({ column, before, after }) => ({
        column,
        ...(before === undefined ? {} : { before: cell(column, before) }),
        ...(after === undefined ? {} : { after: cell(column, after) }),
      })),
    }));
    return { ...table, rows };
  }

  /** A column that holds JSON is masked inside. */
  #json(column: string, text: string): string | undefined {
    if (!/^\s*[[{]/.test(text)) return undefined;
    try {
      return JSON.stringify(this.#value([column], JSON.parse(text)));
    } catch {
      return undefined; // no JSON: a text like any other
    }
  }

  #fingerprint(secret: string): string {
    const hash = Buffer.from(hashBytes(Buffer.from(`exuvia mask\0${this.#options.key}\0${secret}`)));
    return `<secret ${hash.toString('hex', 0, 4)}>`;
  }
}
