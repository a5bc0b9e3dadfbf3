package core

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"testing"

	"api-analytics.local/go/internal/sink"
)

func read(t *testing.T, body io.Reader) (batch sink.Batch) {
	t.Helper()
	plain, err := gzip.NewReader(body)
	if err == nil {
		err = json.NewDecoder(plain).Decode(&batch)
	}
	if err != nil {
		t.Error(err)
	}
	return batch
}
