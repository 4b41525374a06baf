"use strict";

// Each file is one request. Its upload is the first half of the bar; then the server answers with a line of JSON for
// each step of the work, and with a last one that has the preview or the failure. Aborting the request ends the work.

const AT_A_TIME = 4;
const KINDS = {
  "not-a-document": "Not a document",
  "damaged": "Damaged",
  "locked": "Locked",
  "too-large": "Too large",
  "timed-out": "Timed out",
  "out-of-memory": "Out of memory",
  "crashed": "Crashed",
  "busy": "Server is busy",
  "unavailable": "Not available",
  "cancelled": "Cancelled",
  "no-connection": "No connection",
};
const RETRIES_WHEN_BUSY = 20;

const byId = id => document.getElementById(id);
const waiting = [];
let running = 0;
let settings = { maxBytes: Infinity };

fetch("settings").then(answer => answer.json()).then(values => {
  settings = values;
  byId("limits").textContent += ". Up to " + size(values.maxBytes) + " and " + values.seconds
    + (values.seconds === 1 ? " second" : " seconds") + " each.";
  const jail = byId("jail");
  jail.textContent = values.jail;
  jail.classList.toggle("good", values.jailed);
  jail.hidden = false;
}).catch(() => say("The server does not answer."));

const input = byId("files");
input.addEventListener("change", () => {
  add(input.files);
  input.value = "";
});

const drop = byId("drop");
let depth = 0;
document.addEventListener("dragenter", event => {
  event.preventDefault();
  depth++;
  drop.classList.add("over");
});
document.addEventListener("dragleave", () => {
  if (--depth === 0) drop.classList.remove("over");
});
document.addEventListener("dragover", event => event.preventDefault());
document.addEventListener("drop", event => {
  event.preventDefault();
  depth = 0;
  drop.classList.remove("over");
  add(event.dataTransfer.files);
});

function add(files) {
  for (const file of files) {
    const item = copy("running-item");
    item.querySelector(".name").textContent = file.name;
    item.querySelector(".size").textContent = size(file.size);
    item.querySelector("progress").setAttribute("aria-label", "Progress of " + file.name);
    item.querySelector(".cancel").setAttribute("aria-label", "Cancel " + file.name);
    const job = { file, item, tries: 0 };
    item.querySelector(".cancel").addEventListener("click", () => cancel(job));
    byId("running").append(item);
    show(job, 0, "waiting");
    waiting.push(job);
  }
  arrange();
  startNext();
}

function startNext() {
  while (running < AT_A_TIME && waiting.length > 0) {
    running++;
    start(waiting.shift());
  }
}

function start(job) {
  if (job.file.size > settings.maxBytes) {
    fail(job, { kind: "too-large", words: "The file has " + size(job.file.size) + "; the server takes up to "
      + size(settings.maxBytes) + "." });
    return;
  }
  const request = new XMLHttpRequest();
  job.request = request;
  let read = 0;
  let result = null;

  function lines() {
    const text = request.responseText;
    for (let end = text.indexOf("\n", read); end >= 0; end = text.indexOf("\n", read)) {
      const line = JSON.parse(text.slice(read, end));
      read = end + 1;
      if ("progress" in line) {
        show(job, 0.5 + line.progress / 2, line.text);
      } else {
        result = line;
      }
    }
  }

  request.upload.onprogress = event => {
    if (event.lengthComputable) show(job, event.loaded / event.total / 2, "uploading");
  };
  request.upload.onload = () => show(job, 0.5, "waiting for a worker");
  request.onprogress = lines;
  request.onload = () => {
    lines();
    if (request.status === 503 && job.tries++ < RETRIES_WHEN_BUSY) {
      const seconds = Number(request.getResponseHeader("Retry-After")) || 1;
      show(job, 0, "the server is busy, trying again");
      job.timer = setTimeout(() => start(job), 1000 * seconds);
    } else if (result === null) {
      fail(job, { kind: "no-connection", words: "The server answered with status " + request.status + "." });
    } else if (result.preview) {
      finish(job, result.preview);
    } else {
      fail(job, result.failure);
    }
  };
  request.onerror = () => fail(job, { kind: "no-connection", words: "The connection to the server was lost." });
  request.onabort = () => fail(job, { kind: "cancelled", words: "You cancelled it, and the server stopped its work." });
  request.open("POST", "previews");
  request.send(job.file);
}

function cancel(job) {
  const place = waiting.indexOf(job);
  if (place >= 0) {
    waiting.splice(place, 1);
    running++; // as fail() expects
    fail(job, { kind: "cancelled", words: "You cancelled it before it was sent." });
  } else if (job.request && job.request.readyState !== XMLHttpRequest.DONE) {
    job.request.abort();
  } else {
    clearTimeout(job.timer);
    fail(job, { kind: "cancelled", words: "You cancelled it before it was sent." });
  }
}

function finish(job, preview) {
  const item = copy("gallery-item");
  const image = item.querySelector("img");
  image.src = "data:image/jpeg;base64," + preview.thumbnail;
  image.alt = (preview.pages > 1 || preview.format === "PDF" ? "First page of " : "Thumbnail of ") + job.file.name;
  item.querySelector(".name").textContent = job.file.name;
  const unit = preview.format === "PDF" ? " pt" : " px";
  item.querySelector(".facts").textContent = preview.format + " · "
    + (preview.format === "PDF" ? preview.pages + (preview.pages === 1 ? " page · " : " pages · ") : "")
    + preview.width + " × " + preview.height + unit + " · " + size(job.file.size);
  const text = preview.text.trim();
  item.querySelector(".text").textContent = text.slice(0, 300);
  const more = item.querySelector(".more");
  more.hidden = text === "";
  more.setAttribute("aria-label", "Read the text of " + job.file.name);
  more.addEventListener("click", () => {
    byId("viewer-title").textContent = job.file.name;
    byId("viewer-text").textContent = text;
    byId("viewer").showModal();
  });
  byId("gallery").append(item);
  end(job, job.file.name + ": preview ready");
}

function fail(job, failure) {
  const item = copy("failure-item");
  item.dataset.kind = failure.kind;
  item.querySelector(".kind").textContent = KINDS[failure.kind] || failure.kind;
  item.querySelector(".name").textContent = job.file.name;
  item.querySelector(".what").textContent = failure.words;
  byId("failures").append(item);
  end(job, job.file.name + ": " + failure.words);
}

function end(job, words) {
  job.item.remove();
  running--;
  arrange();
  say(words);
  startNext();
}

function show(job, fraction, text) {
  job.item.querySelector("progress").value = fraction;
  job.item.querySelector(".step").textContent = text;
}

function arrange() {
  for (const [section, list] of [["work", "running"], ["results", "gallery"], ["problems", "failures"]]) {
    byId(section).hidden = byId(list).childElementCount === 0;
  }
}

function say(words) {
  byId("status").textContent = words;
}

function copy(template) {
  return byId(template).content.firstElementChild.cloneNode(true);
}

function size(bytes) {
  if (bytes < 1000) return bytes + " bytes";
  if (bytes < 1e6) return Math.round(bytes / 1000) + " kB";
  return (bytes / 1e6).toFixed(1).replace(".0", "") + " MB";
}
