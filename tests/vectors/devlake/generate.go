// Writes notices.json: what DevLake sends, made by the means that DevLake makes it with.
//
// Repeat with Go 1.22 or later:  go run generate.go > notices.json
//
// The wire is that of backend/server/services/pipeline_notification_impl.go in apache/incubator-devlake:
// encoding/json over a struct without tags, then sha256 over body, secret and nouce.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"time"
)

type present struct {
	ProjectName string
	PipelineID  uint64
	CreatedAt   time.Time
	UpdatedAt   time.Time
	BeganAt     *time.Time
	FinishedAt  *time.Time
	Status      string
}

// Before pipelines had projects.
type withoutProject struct {
	PipelineID uint64
	CreatedAt  time.Time
	UpdatedAt  time.Time
	BeganAt    *time.Time
	FinishedAt *time.Time
	Status     string
}

// The first form of all: a task has succeeded.
type ofTask struct {
	TaskID     uint64
	PluginName string
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

type notice struct {
	Name   string `json:"name"`
	Secret string `json:"secret"`
	Nouce  string `json:"nouce"`
	Body   string `json:"body"`
	Sign   string `json:"sign"`
}

type pair struct {
	Given   string `json:"given"`
	Written string `json:"written"`
}

type vectors struct {
	Notices []notice `json:"notices"`
	Times   []pair   `json:"times"`
	Texts   []pair   `json:"texts"`
}

const (
	// Of RandLetterBytes in backend/core/utils/strings.go.
	letterBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	blueWhale   = "a secret with spaces, 湖 and <&>\u2028"
)

var secrets = []string{"notification-secret", "", blueWhale, "trailing newline\n", "39-FDXxIootApWxEVtz"}

var statuses = []string{
	"TASK_CREATED", "TASK_RERUN", "TASK_RESUME", "TASK_RUNNING",
	"TASK_COMPLETED", "TASK_FAILED", "TASK_CANCELLED", "TASK_PARTIAL",
}

var projects = []string{
	"", "lake", "数据湖", "🌊 Ærø", `a "quoted" \ name`, "<b>R&D</b>", "line\u2028paragraph\u2029end",
	"tab\tline\nreturn\rbell\u0007null\u0000delete\u007f", "back\bfeed\f", "\ufffd \ufeff", "é e\u0301",
}

var times = []string{
	"2024-09-05T15:08:00.389+08:00", "2024-09-05T07:08:00Z", "2024-09-05T07:08:00+00:00",
	"2024-09-05T07:08:00.1Z", "2024-09-05T07:08:00.100000000Z", "2024-09-05T07:08:00.123456789Z",
	"2024-09-05T07:08:00.120034500-03:30", "2024-09-05T07:08:00.000000001+14:00",
	"2024-02-29T23:59:59.999999999-12:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.5+05:45",
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// Drawn as DevLake draws it, but the same each time.
var source = rand.New(rand.NewSource(39))

func nouce(id any) string {
	drawn := make([]byte, 16)
	for place := range drawn {
		drawn[place] = letterBytes[source.Intn(len(letterBytes))]
	}
	return fmt.Sprintf("%v-%s", id, drawn)
}

func at(text string) time.Time { return must(time.Parse(time.RFC3339Nano, text)) }

func pointer(text string) *time.Time {
	moment := at(text)
	return &moment
}

func signed(name, secret, nouce string, data any) notice {
	body := string(must(json.Marshal(data)))
	sum := sha256.Sum256([]byte(body + secret + nouce))
	return notice{name, secret, nouce, body, hex.EncodeToString(sum[:])}
}

func aPipeline() present {
	return present{
		ProjectName: "lake",
		PipelineID:  39,
		CreatedAt:   at("2024-09-05T15:08:00.389+08:00"),
		UpdatedAt:   at("2024-09-05T15:08:01.785+08:00"),
		Status:      "TASK_CREATED",
	}
}

func ofStatuses() (made []notice) {
	for number, status := range statuses {
		pipeline := aPipeline()
		pipeline.Status = status
		if number > 0 {
			pipeline.BeganAt = pointer("2024-09-05T15:08:02.1+08:00")
		}
		if number > 3 {
			pipeline.FinishedAt = pointer("2024-09-05T15:28:00.389+08:00")
		}
		made = append(made, signed(status, secrets[0], nouce(number+1), pipeline))
	}
	return
}

func ofSecrets() (made []notice) {
	for number, secret := range secrets {
		name := fmt.Sprintf("secret %d", number)
		made = append(made, signed(name, secret, nouce(100+number), aPipeline()))
	}
	return
}

func ofProjects() (made []notice) {
	for number, project := range projects {
		pipeline := aPipeline()
		pipeline.ProjectName = project
		name := fmt.Sprintf("project %d", number)
		made = append(made, signed(name, secrets[0], nouce(200+number), pipeline))
	}
	return
}

func ofTimes() (made []notice) {
	for number, text := range times {
		pipeline := aPipeline()
		pipeline.CreatedAt, pipeline.UpdatedAt, pipeline.BeganAt = at(text), at(text), pointer(text)
		pipeline.Status = "TASK_RUNNING"
		name := fmt.Sprintf("time %d", number)
		made = append(made, signed(name, secrets[0], nouce(300+number), pipeline))
	}
	return
}

func ofOtherForms() []notice {
	greatest := aPipeline()
	greatest.PipelineID = 18446744073709551615
	older := withoutProject{40, at(times[0]), at(times[1]), pointer(times[2]), nil, "TASK_RUNNING"}
	oldest := ofTask{39, "jenkins", at("2021-09-30T15:28:00.389+08:00"), at("2021-09-30T15:28:00.785+08:00")}
	return []notice{
		signed("greatest id", secrets[0], nouce("18446744073709551615"), greatest),
		signed("without a project", secrets[0], "401-abcdefghijklmnop", older),
		signed("of a task", secrets[0], "402-ABCDEFGHIJKLMNOP", oldest),
	}
}

func main() {
	all := vectors{}
	for _, some := range [][]notice{ofStatuses(), ofSecrets(), ofProjects(), ofTimes(), ofOtherForms()} {
		all.Notices = append(all.Notices, some...)
	}
	for _, text := range times {
		var written string
		must(0, json.Unmarshal(must(json.Marshal(at(text))), &written))
		all.Times = append(all.Times, pair{text, written})
	}
	for code := rune(0); code < 0x2100; code++ {
		if code < 0xff || code > 0x2020 && code < 0x2030 {
			all.Texts = append(all.Texts, pair{string(code), string(must(json.Marshal(string(code))))})
		}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetIndent("", " ")
	must(0, encoder.Encode(all))
	must(os.Stdout.Write(out.Bytes()))
}
