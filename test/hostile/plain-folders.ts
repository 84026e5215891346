/** In the place of SafeFolders, for a control: the paths as they are, and nothing is looked at. */
import type { ByteString, PathKey } from '../../src/model/paths.ts';
import { targetPath } from '../../src/restorer/target-path.ts';

export class SafeFolders implements Disposable {
  readonly #target: ByteString;

  constructor(target: ByteString) {
    this.#target = target;
  }

  pathOf(key: PathKey): ByteString {
    return targetPath(this.#target, key);
  }

  readonly canHold = true;

  hold(): void {}

  letGo(): void {}

  useFolder(key: PathKey, work: (path: ByteString) => void): void {
    work(this.pathOf(key));
  }

  [Symbol.dispose](): void {}
}
