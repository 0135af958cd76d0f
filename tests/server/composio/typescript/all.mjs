// Programs one after the other in one process, since Node.js and the client take long to load.
import { end } from "./steps.mjs";

for (const program of process.argv.slice(2)) {
  await import(`./${program}`);
}
end();
