import { safeText } from '../text.ts';

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text from anywhere as HTML text or attribute value; characters that hide or turn other text are spelled out. */
export function text(raw: string): string {
  const spelled = safeText(raw.replaceAll('\t', '    ').toWellFormed());
  return spelled.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

export function shortened(raw: string, characters: number): string {
  return raw.length <= characters ? raw : `${raw.slice(0, characters)}\u2026`;
}
