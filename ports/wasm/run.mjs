// SPDX-License-Identifier: MIT
//
// run.mjs - run scripts on Quire compiled to WebAssembly, under node
//
//   node ports/wasm/run.mjs [--hashes] quire.wasm SCRIPT...
//
// Results go to standard output and talk to standard error. With --hashes there is one line
// per script instead: name, status, hash of the machine, hash of the results.

import { readFileSync } from "node:fs";
import { basename } from "node:path";

/** Instantiate the module. @write gets (stream, text); @read a file's bytes, or throws. */
export async function load(bytes, write, read) {
	let exports;
	const view = (at, length) => new Uint8Array(exports.memory.buffer, at, length);
	const text = (at, length) => new TextDecoder().decode(view(at, length));
	const file = (at, length) => {
		try {
			return read(text(at, length));
		} catch {
			return null;
		}
	};
	const quire = {
		write: (stream, at, length) => write(stream, view(at, length).slice()),
		file_size: (at, length) => file(at, length)?.length ?? -1,
		file_read: (at, length, to) => {
			const contents = file(at, length);
			view(to, contents.length).set(contents);
		},
		panic: (at, length) => {
			throw new Error(text(at, length));
		},
	};
	({ exports } = (await WebAssembly.instantiate(bytes, { quire })).instance);

	return {
		/** Begin a new session, without a machine. */
		begin() {
			if (exports.begin() !== 0)
				throw new Error("out of memory");
		},
		/** Run a script's bytes. Returns its status, 0 when all went well. */
		run(script) {
			const room = exports.room(script.length + 1);
			if (!room)
				throw new Error("out of memory");
			view(room, script.length).set(script);
			const status = exports.run(room, script.length);
			exports.leave(room, script.length + 1);
			return status;
		},
		/** The hash of the machine's state, a BigInt. */
		hash: () => BigInt.asUintN(64, exports.hash()),
	};
}

/** FNV-1a over bytes, going on from @hash. */
function fnv(hash, bytes) {
	for (const byte of bytes)
		hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
	return hash;
}

async function main() {
	let words = process.argv.slice(2);
	const hashes = words[0] === "--hashes";
	const [module, ...scripts] = hashes ? words.slice(1) : words;
	const hex = (n) => n.toString(16).padStart(16, "0");
	let worst = 0, results;
	const session = await load(readFileSync(module), (stream, bytes) => {
		if (stream === 1)
			results = fnv(results, bytes);
		if (!hashes || stream === 2 && process.env.QUIRE_TALK)
			(stream === 1 ? process.stdout : process.stderr).write(bytes);
	}, (name) => readFileSync(name));

	for (const name of scripts) {
		results = 0xcbf29ce484222325n;
		session.begin();
		const status = session.run(readFileSync(name));
		if (hashes)
			console.log(`${basename(name)} ${status} ${hex(session.hash())} ${hex(results)}`);
		worst = Math.max(worst, status);
	}
	process.exitCode = worst;
}

await main();
