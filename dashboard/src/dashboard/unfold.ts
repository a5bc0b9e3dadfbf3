// What the button below an unfolded list says: also where the server gives no more rows than this.
import { numbers } from '../format/number';

export function fewer(shown: number, total: number): string {
  return shown < total ? `The first ${numbers.count(shown)} of ${numbers.count(total)} · show fewer` : 'Show fewer';
}
