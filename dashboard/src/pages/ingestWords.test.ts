import { expect, test } from 'vitest';
import { reasonMeaning, refusalMeaning } from './ingestWords';

test('codes have words, and one that is new is shown as it is', () => {
  expect(reasonMeaning('invalid_status').todo).toContain('100 to 599');
  expect(reasonMeaning('invalid_other_field').what).toBe('The other field cannot be used');
  expect(reasonMeaning('something_new')).toEqual({ what: 'something new', todo: '' });
  expect(refusalMeaning('invalid_json').what).toContain('JSON');
  expect(refusalMeaning('too_old').what).toBe(reasonMeaning('too_old').what);
});
