// A program of its own, to be killed: writes to a store as a push and the clearing away of old snapshots do.
import { collectGarbage } from "../../src/snapshots/store/collect-garbage.ts";
import { createObjectStore } from "../../src/snapshots/store/object-store.ts";
import { inTwoHours, keepTrees, toFolders } from "./store-world.ts";

const [folder = "", liveTree = ""] = process.argv.slice(2);
const folders = toFolders(folder);
const [added = ""] = await keepTrees(folders, { added: 40 });
await createObjectStore(folders.store).put([Buffer.from("one by itself")]);
await collectGarbage(folders, { treeHashes: [liveTree, added], objects: [] }, { now: inTwoHours });
process.stdout.write("done\n");
