import { expect, test } from 'vitest';
import { toRemedy, toWrong } from './wrong';

const wrong = (message: string, code = 'invalid_parameter', status = 400) => toWrong({ status, code, message });

test.each([
  ['`q`: there is no field `colour`', 'q', 'Clear filter'],
  ["`tz`: `Mars` isn't a time zone", 'tz', 'Use my time zone'],
  ['the parameter `sort` is not one of requests, error_rate', 'sort', 'Sort by requests'],
  ['`to`: it must be after `from`', 'to', 'Show the last 7 days'],
  ["`from`: `soon` isn't a time", 'from', 'Show the last 7 days'],
  ['the body cannot be read', '', 'Reset the view'],
])('%s', (message, parameter, label) => {
  const found = wrong(message);
  expect(found?.parameter).toBe(parameter);
  expect(found && toRemedy(found, {}).label).toBe(label);
});

test('only the filter loses its name, and other errors are not about the question', () => {
  expect(wrong('`q`: x')?.message).toBe('x');
  expect(wrong('`tz`: x')?.message).toBe('`tz`: x');
  expect(wrong('this share link does not show users', 'hidden_field', 403)?.parameter).toBe('q');
  expect(wrong('`q`: x', 'overloaded', 503)).toBeNull();
});
