/** What is shown of a match: secrets masked, and of a long line the part around it. */
import type { SnapshotSource } from '../model/snapshot.ts';
import type { FileNode } from '../model/tree.ts';
import type { Repository } from '../repository/repository.ts';
import { contentBytes } from '../tree/content.ts';
import type { GrepMatch, GrepOptions, RawMatch } from './grep-backups.ts';
import { isSecretFile, SecretMask, secretsInJson } from './secret-mask.ts';

const shownCharacters = 400;
/** No configuration is larger. */
const configBytesMax = 1024 * 1024;

export class ShownText {
  readonly #repository: Repository;
  readonly #text: string;
  readonly #options: GrepOptions;
  readonly #masks = new WeakMap<FileNode, SecretMask>();

  constructor(repository: Repository, text: string, options: GrepOptions) {
    this.#repository = repository;
    this.#options = options;
    this.#text = options.ignoreCase ? text.toLowerCase() : text;
  }

  match({ source }: { readonly source: SnapshotSource }, { node, ...match }: RawMatch): GrepMatch {
    if (match.text === undefined) return match;
    const text = this.#options.showSecrets ? match.text : this.#masked(source, node, match, match.text);
    return { ...match, text: this.#shortened(text) };
  }

  #masked(source: SnapshotSource, node: FileNode, { path, table, column }: GrepMatch, text: string): string {
    const mask = this.#masks.get(node) ?? this.#makeMask(source, path, node);
    this.#masks.set(node, mask);
    return table === undefined ? mask.line(text) : mask.cell(table, column ?? '', text);
  }

  #makeMask(source: SnapshotSource, path: string, node: FileNode): SecretMask {
    const key = this.#repository.parameters.id;
    // A database among credentials holds much else: its tables and columns tell what is secret.
    if (node.content.kind === 'pages') return new SecretMask({ key, isSecretFile: false });
    const secrets = node.size > configBytesMax ? [] : this.#secretsIn(path, node);
    return new SecretMask({ key, isSecretFile: isSecretFile(source, path), secrets });
  }

  #secretsIn(path: string, node: FileNode): string[] {
    return secretsInJson(path, contentBytes(this.#repository, node));
  }

  /** The part of a long line around the match, or around the secret that took its place. */
  #shortened(line: string): string {
    if (line.length <= shownCharacters) return line;
    const found = (this.#options.ignoreCase ? line.toLowerCase() : line).indexOf(this.#text);
    const at = found >= 0 ? found : Math.max(0, line.indexOf('<secret '));
    const from = Math.max(0, at - shownCharacters / 4);
    const end = from + shownCharacters < line.length ? '…' : '';
    return `${from > 0 ? '…' : ''}${line.slice(from, from + shownCharacters)}${end}`;
  }
}
