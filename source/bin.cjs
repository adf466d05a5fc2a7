#!/usr/bin/env node
// Written for the oldest Node.js there is: it has to be read before anything can be said.
'use strict';

var version = process.versions.node.split('.').map(Number);

if (version[0] < 22 || (version[0] === 22 && version[1] < 13)) {
	process.stderr.write(
		`jarvis needs Node.js 22.13 or newer, and this is ${process.version}: install a newer one.\n`,
	);
	process.exitCode = 1;
} else {
	require('./cli.cjs')
		.main(process.argv.slice(2))
		.then(code => {
			process.exitCode = code;
		});
}
