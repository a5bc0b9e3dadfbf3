// Numbers for people, in the viewer's locale. A formatter is made per locale, so that tests can choose one. Value and unit are separate,
// since the unit is set thinner.

export interface Measured {
  value: string;
  unit: string;
  /** It is an estimate. */
  about?: boolean;
}

export type Meaning = 'good' | 'bad' | 'neutral';

export interface Change {
  text: string;
  meaning: Meaning;
}

export const NONE = '–';

export function numberFormats(locale?: string) {
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const three = new Intl.NumberFormat(locale, { maximumSignificantDigits: 3 });
  const compact = new Intl.NumberFormat(locale, { notation: 'compact', maximumSignificantDigits: 3 });
  const exact = new Intl.NumberFormat(locale, { maximumFractionDigits: 3 });
  const oneDecimal = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const signed = new Intl.NumberFormat(locale, { maximumSignificantDigits: 3, signDisplay: 'exceptZero' });
  const signedTenth = new Intl.NumberFormat(locale, { maximumFractionDigits: 1, signDisplay: 'exceptZero' });
  const digits = (n: number) => new Intl.NumberFormat(locale, { minimumFractionDigits: n, maximumFractionDigits: n });
  const [twoDecimals, threeDecimals] = [digits(2), digits(3)];
  const minus = (text: string) => text.replace('-', '−');

  /** 1,284,003 in full. */
  const count = (n: number) => whole.format(n);

  /** 482,916 in full up to six digits, then 12.4M. For headlines and axes, where space is short. */
  const short = (n: number) => (Math.abs(n) < 1_000_000 ? whole.format(n) : compact.format(n));

  /** Axis ticks: 0, 500, 2k. */
  const tick = (n: number) => (Math.abs(n) < 1000 ? three.format(n) : compact.format(n).replace('K', 'k'));

  function duration(ms: number | null): Measured {
    if (ms === null) return { value: NONE, unit: '' };
    if (ms > 0 && ms < 1) return { value: three.format(ms * 1000), unit: 'µs' };
    // 999.7 is 1 s, not 1,000 ms.
    if (Number(ms.toPrecision(3)) < 1000) return { value: three.format(ms), unit: 'ms' };
    if (ms < 60_000) return { value: three.format(ms / 1000), unit: 's' };
    if (ms < 3_600_000) return { value: three.format(ms / 60_000), unit: 'min' };
    return { value: three.format(ms / 3_600_000), unit: 'h' };
  }

  const exactDuration = (ms: number | null) => (ms === null ? NONE : `${exact.format(ms)} ms`);

  function bytes(n: number | null): Measured {
    if (n === null) return { value: NONE, unit: '' };
    const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
    let scaled = n;
    let unit = 0;
    while (Number(scaled.toPrecision(3)) >= 1000 && unit < units.length - 1) {
      scaled /= 1024;
      unit++;
    }
    return { value: three.format(scaled), unit: units[unit] ?? '' };
  }

  /** A share from 0 to 1 as a percentage with one decimal; less than all is never shown as 100, more than nothing never as 0. */
  function share(rate: number | null): Measured {
    if (rate === null) return { value: NONE, unit: '' };
    const tenths = Math.round(rate * 1000) / 10;
    if (rate > 0 && tenths === 0) return { value: `< ${oneDecimal.format(0.1)}`, unit: '%' };
    if (rate < 1 && tenths === 100) return { value: oneDecimal.format(99.9), unit: '%' };
    return { value: rate === 0 || rate === 1 ? three.format(rate * 100) : oneDecimal.format(tenths), unit: '%' };
  }

  /** +12.4 % against the period before. Null if that is not known, or if both are zero. */
  function ratio(value: number | null, previous: number | null, moreIs: Meaning): Change | null {
    if (value === null || previous === null) return null;
    if (previous === 0) return value === 0 ? null : { text: 'new', meaning: moreIs };
    const percent = (value / previous - 1) * 100;
    const text = `${minus(Math.abs(percent) >= 1000 ? signed.format(Math.round(percent)) : signedTenth.format(percent))} %`;
    return { text: text === '0 %' ? '±0 %' : text, meaning: judge(percent, LEAST_PERCENT, moreIs) };
  }

  /** −1.9 pt: a rate against a rate, in percentage points. */
  function points(value: number | null, previous: number | null, moreIs: Meaning): Change | null {
    if (value === null || previous === null) return null;
    if (value === 0 && previous === 0) return null;
    const difference = (value - previous) * 100;
    const text = minus(signedTenth.format(difference));
    return { text: `${text === '0' ? '±0' : text} pt`, meaning: judge(difference, LEAST_POINTS, moreIs) };
  }

  /** +9 ms. */
  function difference(value: number | null, previous: number | null, moreIs: Meaning): Change | null {
    if (value === null || previous === null) return null;
    if (value === 0 && previous === 0) return null;
    const by = value - previous;
    const { value: text, unit } = duration(Math.abs(by));
    const sign = text === '0' ? '±' : by > 0 ? '+' : '−';
    return { text: `${sign}${text} ${unit}`, meaning: judge(by, (previous * LEAST_PERCENT) / 100, moreIs) };
  }

  /** A share in full: 93.812 %. */
  const exactShare = (rate: number | null) => (rate === null ? NONE : `${threeDecimals.format(rate * 100)} %`);

  /** A number rounded by the server, with the same digits: "99.930" stays that, or becomes "99,930". */
  const decimal = (text: string) => digits(text.split('.')[1]?.length ?? 0).format(Number(text));

  const together = (measured: Measured) => (measured.unit ? `${measured.value} ${measured.unit}` : measured.value);

  return {
    count, short, tick, duration, exactDuration, bytes, share, exactShare, ratio, points, difference, decimal, together,
    /** 0.99, as Apdex is written. */
    hundredths: (n: number) => twoDecimals.format(n),
    /** Up to three decimals, none if they are zero: for settings. */
    plain: (n: number) => exact.format(n),
  };
}

/** Smaller changes are normal: neither good nor bad. */
const LEAST_PERCENT = 1;
const LEAST_POINTS = 0.1;

function judge(by: number, least: number, moreIs: Meaning): Meaning {
  if (Math.abs(by) < least || by === 0 || moreIs === 'neutral') return 'neutral';
  return by > 0 === (moreIs === 'good') ? 'good' : 'bad';
}

export type NumberFormats = ReturnType<typeof numberFormats>;

/** In the locale of the viewer's browser. */
export const numbers = numberFormats();
