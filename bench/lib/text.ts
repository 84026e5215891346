/**
 * Text that compresses like what people and assistants write, from a seed.
 *
 * Random letters or words drawn evenly compress too badly, one repeated paragraph far too well, and what a backup stores
 * depends on it. So: a vocabulary of 6,000 words by rank (Zipf's law, frequency ~ 1/rank), built from common short words
 * and made-up long ones with English syllables and endings; each word has a few favourite followers; every document has
 * some words of its own that come back. Measured against English documentation (Perl manuals, Debian's README files,
 * design notes), ratios of 4 KiB deflate 6 / 64 KiB zstd 3 / 1 MiB zstd 3: those 1.9-2.4 / 2.1-2.9 / 2.2-3.4, this model
 * 2.1 / 2.5 / 3.1.
 */
import { type Random, seededRandom } from './random.ts';

const vocabularyWords = 6000;
const followersPerWord = 20;
const sampleTableBits = 16;
/** How often the next word is a favourite follower, or one of the document's own words; otherwise any word by rank. */
const followerProbability = 0.66;
const ownWordProbability = 0.1;
const ownWordsPerDocument = 48;

const commonWords =
  `the of and to in a is that for it was on are as with be by this have from or had not but what all were
when we there can an your which their said if do will each about how up out them then she many some so these would other into
has more her two like him see time could no make than first been its who now people my made over did down only way find use
may water long little very after words called just where most know get through back much before go good new write our used me
man too any day same right look think also around another came come work three word must because does part even place well
such here take why things help put years different away again off went old number great tell men say small every found still
between name should home big give air line set own under read last never us left end along while might next sound below saw
something thought both few those always looked show large often together asked house world going want file folder run check
list add change page answer question test error note plan today tomorrow yesterday morning week month meeting message send`
    .split(/\s+/)
    .filter((word) => word !== '');

const onsets = 'b c d f g h l m n p r s t v w br cl cr dr fl gr pl pr sc sh sp st str tr th ch qu'.split(' ');
const vowels = 'a e i o u a e i o ea ee ai ou io ie'.split(' ');
const codas = ' n r l s t m d ck nd nt st rt ll ss ng mp'.split(' ');
const endings = ' s ed ing er ly tion able ment al ive ness ity ous'.split(' ');

/** A writer with a vocabulary; one writer serves many documents. */
export interface Writer {
  /** A document's own words, to be passed to the calls below. */
  topic(random: Random): Topic;
  /** Words with capitals and full stops, about `words` of them. */
  prose(random: Random, topic: Topic, words: number): string;
  /** A few lower-case words joined by `separator`. */
  phrase(random: Random, topic: Topic, words: number, separator?: string): string;
  readonly vocabulary: readonly string[];
}

export type Topic = Uint16Array;

export function createWriter(seed: number): Writer {
  const random = seededRandom(seed, 'vocabulary');
  const vocabulary = buildVocabulary(random);
  const byRank = buildSampleTable(vocabulary.length);
  const anyWord = (from: Random): number => byRank[from.u32() >>> (32 - sampleTableBits)]!;
  const followers = Uint16Array.from({ length: vocabulary.length * followersPerWord }, () => anyWord(random));
  const nextWord = (from: Random, previous: number, topic: Topic): number => {
    const draw = from.unit();
    if (draw < followerProbability)
      return followers[previous * followersPerWord + skewed(from, followersPerWord)]!;
    if (draw < followerProbability + ownWordProbability) return topic[skewed(from, topic.length)]!;
    return anyWord(from);
  };
  return {
    vocabulary,
    topic: (from) =>
      Uint16Array.from(
        { length: ownWordsPerDocument },
        () => commonWords.length + from.below(vocabulary.length - commonWords.length),
      ),
    prose: (from, topic, words) => {
      let text = '';
      let previous = anyWord(from);
      for (let left = words; left > 0; ) {
        const length = Math.min(left, from.between(5, 22));
        text += capitalized(vocabulary[previous]!);
        for (let word = 1; word < length; word++) {
          previous = nextWord(from, previous, topic);
          text += (from.chance(0.06) ? ', ' : ' ') + vocabulary[previous]!;
        }
        left -= length;
        text += left > 0 ? '. ' : '.';
        previous = nextWord(from, previous, topic);
      }
      return text;
    },
    phrase: (from, topic, words, separator = ' ') =>
      Array.from({ length: words }, () => vocabulary[topic[skewed(from, topic.length)]!]).join(separator),
  };
}

/** The square of an even draw: the first entries of a list come up most. */
function skewed(random: Random, length: number): number {
  const draw = random.unit();
  return Math.floor(draw * draw * length);
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function buildVocabulary(random: Random): string[] {
  const words = new Set(commonWords);
  while (words.size < vocabularyWords) words.add(madeUpWord(random, words.size));
  return [...words];
}

/** Rarer words are longer, as in any language. */
function madeUpWord(random: Random, rank: number): string {
  const syllables = 1 + (rank > 1000 ? 1 : 0) + (random.chance(0.25) ? 1 : 0);
  let word = '';
  for (let count = 0; count < syllables; count++) {
    word += random.pick(onsets) + random.pick(vowels) + (random.chance(0.4) ? random.pick(codas) : '');
  }
  return random.chance(0.5) ? word + random.pick(endings) : word;
}

/** Ranks in proportion to 1 / (rank + 2.7), Mandelbrot's form of Zipf's law, for looking up with 16 random bits. */
function buildSampleTable(words: number): Uint16Array {
  const size = 1 << sampleTableBits;
  const table = new Uint16Array(size);
  let total = 0;
  for (let rank = 0; rank < words; rank++) total += 1 / (rank + 2.7);
  let filled = 0;
  let sum = 0;
  for (let rank = 0; rank < words; rank++) {
    sum += 1 / (rank + 2.7);
    const end = Math.round((sum / total) * size);
    table.fill(rank, filled, end);
    filled = end;
  }
  return table;
}
