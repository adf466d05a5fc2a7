import type {ServerResponse} from 'node:http';

/**
 * Events for a client, a line of JSON each. One that does not read keeps only the newest event waiting: what it
 * missed is no news any more, and a client that is stopped costs no memory.
 */
export function openStream(response: ServerResponse): (event: object) => void {
	// The end of the stream is the end of the connection.
	response.shouldKeepAlive = false;
	response.writeHead(200, {'content-type': 'application/x-ndjson', 'cache-control': 'no-store'});
	response.flushHeaders();
	let isFull = false;
	let newest: object | undefined;
	const write = (event: object) => {
		isFull = !response.write(`${JSON.stringify(event)}\n`);
	};
	response.on('drain', () => {
		isFull = false;
		const event = newest;
		newest = undefined;
		if (event) write(event);
	});
	return event => {
		if (isFull) newest = event;
		else write(event);
	};
}
