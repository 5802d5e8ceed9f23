import { testTable } from "./table.js";

testTable("ladder");
