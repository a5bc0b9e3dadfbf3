// A deploy's effect in words and levels.

import type { EndpointChange, EndpointNumbers } from '../api/types';
import type { NumberFormats } from '../format/number';

export type Verdict = EndpointChange['verdict'];

/** `level` as in the pills' classes; "" for no difference. */
export const VERDICTS: Record<Verdict, { label: string; level: 'bad' | 'warn' | 'good' | '' }> = {
  fails_more: { label: 'Fails more', level: 'bad' },
  slower: { label: 'Slower', level: 'warn' },
  steady: { label: 'As before', level: '' },
  faster: { label: 'Faster', level: 'good' },
  fails_less: { label: 'Fails less', level: 'good' },
};

export const serverErrorRate = ({ requests, server_errors }: EndpointNumbers) => (requests ? server_errors / requests : null);

/** "3 endpoints fail more, 1 is slower, 12 as before." */
export function toVerdict(endpoints: readonly EndpointChange[], numbers: NumberFormats): string {
  const count = (...verdicts: Verdict[]) => endpoints.filter(({ verdict }) => verdicts.includes(verdict)).length;
  const parts: [number, string, string][] = [
    [count('fails_more'), 'fails more', 'fail more'],
    [count('slower'), 'is slower', 'are slower'],
    [count('fails_less', 'faster'), 'is better', 'are better'],
    [count('steady'), 'is as before', 'are as before'],
  ];
  const said = parts.filter(([n]) => n > 0);
  const words = said.map(([n, one, many], i) => `${numbers.count(n)}${i === 0 ? (n === 1 ? ' endpoint' : ' endpoints') : ''} ${n === 1 ? one : many}`);
  return words.length ? `${words.join(', ')}.` : '';
}
