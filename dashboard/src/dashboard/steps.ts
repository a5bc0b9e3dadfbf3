// How long a bucket is, in words.
const NAMES: Record<string, string> = {
  '1m': 'per minute', '5m': 'per 5 minutes', '15m': 'per 15 minutes', '1h': 'hourly', '6h': 'per 6 hours',
  '1d': 'daily', '1w': 'weekly', '1mo': 'monthly',
};

/** As the server names it where these do not. */
export const stepName = (step: string) => NAMES[step] ?? step;
