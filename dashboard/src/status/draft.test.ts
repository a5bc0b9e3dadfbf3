import { expect, test } from 'vitest';
import type { Monitor, StatusPage } from '../api/types';
import { move, newGroup, toBadges, toChange, toChoices, toDraft, type Group } from './draft';

const page: StatusPage = {
  enabled: true,
  slug: 'shop',
  url: 'https://stats.example.com/status/shop',
  title: 'Shop status',
  accent: null,
  logo_url: null,
  show_requests: false,
  subscriptions: false,
  subscriptions_problem: null,
  groups: [{ name: 'API', services: [{ monitor: 1, name: 'Orders', badge_url: 'https://stats.example.com/status/shop/badge/orders.svg' }] }],
};

test('what was not touched is not sent', () => {
  expect(toChange(page, toDraft(page))).toEqual({});
  expect(toChange({ ...page, groups: [] }, toDraft({ ...page, groups: [] }))).toEqual({});
});

test('what was changed is sent, trimmed, and empty groups are left out', () => {
  const draft = toDraft(page);
  draft.title = ' Shop ';
  draft.accent = '#3355ff';
  draft.logo = null;
  draft.groups[0]?.services.push({ monitor: 2, name: ' Search ' });
  draft.groups.push(newGroup('Empty'));
  expect(toChange(page, draft)).toEqual({
    title: 'Shop',
    accent: '#3355ff',
    logo: null,
    groups: [{ name: 'API', services: [{ monitor: 1, name: 'Orders' }, { monitor: 2, name: 'Search' }] }],
  });
  draft.accent = '';
  expect(toChange({ ...page, accent: '#3355ff' }, draft).accent).toBeNull();
});

test('a monitor is offered once', () => {
  const monitors = [{ id: 1 }, { id: 2 }] as Monitor[];
  expect(toChoices(monitors, toDraft(page).groups).map(({ id }) => id)).toEqual([2]);
});

test('a service moves within its group and over its edge', () => {
  const groups = [newGroup('a', [{ monitor: 1, name: '1' }, { monitor: 2, name: '2' }]), newGroup('b', [{ monitor: 3, name: '3' }])];
  const order = (moved: Group[]) => moved.map(({ services }) => services.map(({ name }) => name).join('')).join('|');
  expect(order(move(groups, 0, 0, 1))).toBe('21|3');
  expect(order(move(groups, 0, 1, 1))).toBe('1|23');
  expect(order(move(groups, 1, 0, -1))).toBe('123|');
  expect(order(move(groups, 0, 0, -1))).toBe('12|3');
  expect(order(move(groups, 1, 0, 1))).toBe('12|3');
  expect(order(groups)).toBe('12|3');
});

test('badges can be pasted as they are', () => {
  const [all, orders] = toBadges({ ...page, title: 'A "[B]"' });
  expect(all?.markdown).toBe('[![A "\\[B\\]"](https://stats.example.com/status/shop/badge.svg)](https://stats.example.com/status/shop)');
  expect(all?.html).toContain('alt="A &quot;[B]&quot;"');
  expect(orders?.image).toBe('https://stats.example.com/status/shop/badge/orders.svg');
});
