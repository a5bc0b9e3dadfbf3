// The length of a bucket, in words.
const NAMES: Record<string, string> = {
  '1m': 'per minute', '5m': 'per 5 minutes', '15m': 'per 15 minutes', '1h': 'hourly', '6h': 'per 6 hours',
  '1d': 'daily', '1w': 'weekly', '1mo': 'monthly',
};

/** The server's name if it is not listed. */
export const stepName = (step: string) => NAMES[step] ?? step;
