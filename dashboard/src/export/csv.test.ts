import { expect, test } from 'vitest';
import { toCsv } from './csv';

test('text is quoted where it must be and never runs as a formula', () => {
  expect(toCsv(['key', 'n'], [['a,b', 1], ['say "x"', null], ['=1+1', 2], ['-2', -2], ['@x\ny', 0.5], ['', 0]])).toBe(
    'key,n\r\n"a,b",1\r\n"say ""x""",\r\n\'=1+1,2\r\n\'-2,-2\r\n"\'@x\ny",0.5\r\n,0\r\n',
  );
});
